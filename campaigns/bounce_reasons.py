"""The tables behind `bounce_rules`: which words and codes (RFC 3463) stand for which reason, and whom it is about."""

from enum import StrEnum


class Blame(StrEnum):
    """Whom a refusal is about."""

    ADDRESS = "address"
    MAILBOX = "mailbox"
    SENDER = "sender"
    CONTENT = "content"
    NETWORK = "network"


# In this order: what names another cause comes before "user unknown", since servers say that of blocked senders too.
BY_TEXT: tuple[tuple[str, Blame, str], ...] = (
    (
        "mailboxfull",
        Blame.MAILBOX,
        r"mailbox (is )?(full|over|size limit)|over ?quota|quota (is )?(exceeded|full)|"
        r"exceeded.{0,30}"
        r"(quota|storage)|inbox is out of (storage )?space|"
        r"(account|user).{0,20}(is )?over quota|insufficient (user )?storage|not enough (storage|"
        r"disk) space in",
    ),
    (
        "mesgtoobig",
        Blame.CONTENT,
        r"message (is )?too (big|large)|(mail|message)( file)? size (limit )?exceed|"
        r"size limit exceeded|"
        r"exceeds? (the )?(maximum|fixed|size)[^.]{0,20}(message )?(size|length)|message size exceeds",
    ),
    ("exceedlimit", Blame.CONTENT, r"message length exceeds|message header size exceeds"),
    (
        "authfailure",
        Blame.SENDER,
        r"unauthenticated email|bad spf|spf (check|validation|records?|record).{0,30}(fail|"
        r"not|invalid)|"
        r"spf \(.{0,30}fail|dmarc|dkim.{0,40}(fail|not pass|policy)|sender[- ]?id.{0,15}fail|"
        r"not pass.{0,20}authentication|"
        r"failed (spf|authentication)|fails? (spf|dkim)",
    ),
    (
        "requireptr",
        Blame.SENDER,
        r"reverse dns|ptr record|no ptr|rdns|missing a ptr|reverse (host|lookup)|"
        r"cannot find your "
        r"(reverse )?hostname|can.?t (find|resolve) your hostname",
    ),
    (
        "notcompliantrfc",
        Blame.CONTENT,
        r"multiple addresses in from|multiple.{0,40}in from: header|not (rfc|"
        r"compliant)|rfc ?5322|"
        r"violates rfc|is not rfc 282?2|missing.{0,20}message-id",
    ),
    ("badreputation", Blame.SENDER, r"reputation|unusual (rate|traffic) from|unexpected volume|user complaints"),
    ("virusdetected", Blame.CONTENT, r"virus|malware|infected|worm detected"),
    (
        "spamdetected",
        Blame.CONTENT,
        r"\bspam\b|\bube\b|\bunsolicited|looks like (spam|bulk)|spamassassin|junk ?mail|"
        r"bulk mail|"
        r"message content rejected|considered (as )?spam",
    ),
    (
        "toomanyconn",
        Blame.SENDER,
        r"too many (concurrent |simultaneous )?(connection|session|smtp)|"
        r"connection rate limit|"
        r"concurrent connections",
    ),
    (
        "speeding",
        Blame.MAILBOX,
        r"receiving mail at a rate|receiving mail too (quickly|fast)|"
        r"rate that\s+(55\d[ -]\S+\s+)?prevents|"
        r"too many (emails|messages) (received|to this)|excessive.{0,20}(rate|recipients)|throttl",
    ),
    (
        "norelaying",
        Blame.SENDER,
        r"relay(ing)? (access )?(denied|not|prohibited|is not)|no relaying|unable to relay|"
        r"not permitted to relay|not (a |an )?(allowed|local) (to )?relay|we do not relay",
    ),
    (
        "blocked",
        Blame.SENDER,
        r"block(ed)? (using|list|by)|blacklist|black list|blocklist|\brbl\b|dnsbl|spamhaus|"
        r"spamcop|client host "
        r"(rejected|blocked)|your (ip|host|server).{0,40}(blocked|listed|banned|rejected|denied)|"
        r"ip address.{0,40}(blocked|listed)|"
        r"connection (refused|denied|dropped|rejected).{0,20}(by|from)? ?(remote|your)|temporarily deferred due|"
        r"ip (addr|address|name).{0,20}(possibly )?(forged|blocked)|mail server.{0,30}(blocked|rejected)|dynamic (ip|"
        r"pool)",
    ),
    (
        "policyviolation",
        Blame.SENDER,
        r"policy (violation|reasons?|restriction)|violat\w+.{0,30}polic|"
        r"not accepted for policy|"
        r"against (local |our )?polic|prohibited by|security polic\w+ (violation|prohibit)",
    ),
    (
        "rejected",
        Blame.SENDER,
        r"unroutable sender|sender (address )?(rejected|denied|verify failed|refused|"
        r"not allowed)|purported|"
        r"invalid sender|address.{0,30}does not (accept|allow) mail from|denied by (mail )?from|"
        r"from address.{0,30}(not|"
        r"reject)|"
        r"domain of sender",
    ),
    (
        "securityerror",
        Blame.SENDER,
        r"access denied\W*(?!\S*recipient).{0,40}$|authentication (required|failed)|"
        r"must issue a "
        r"starttls|you are not authorized|tls required|encryption (needed|required)|authentication turned on",
    ),
    (
        "hasmoved",
        Blame.ADDRESS,
        r"has moved|has been replaced|no longer on server|no forwarding address|"
        r"moved to another",
    ),
    (
        "suspend",
        Blame.MAILBOX,
        r"(account|mailbox|user|recipient|address).{0,60}(suspended|disabled|inactive|"
        r"deactivated|locked|"
        r"expired|not active|frozen)|(suspended|disabled|inactive|closed) (account|mailbox|user|recipient)|"
        r"temporary locked",
    ),
    (
        "systemfull",
        Blame.NETWORK,
        r"insufficient (disk|system) (space|storage|resources)|disk (is )?full|"
        r"mail system full|"
        r"no space left|out of (disk|storage)",
    ),
    (
        "mailererror",
        Blame.NETWORK,
        r"mailer error|x-unix|pipe (to|delivery)|child status|\bprocmail\b|"
        r"command (failed|died)|"
        r"exit(ed)? (with )?status|command output",
    ),
    (
        "networkerror",
        Blame.NETWORK,
        r"hop count exceeded|too many hops|routing loop|mail loop|loops? back to|"
        r"unable to resolve "
        r"route|dns error|connection (lost|was lost)|network (error|unreachable)|loop (was )?(found|detected)|"
        r"could not connect",
    ),
    (
        "expired",
        Blame.NETWORK,
        r"(message|delivery).{0,20}(expired|time.?d? ?out)|timed? out|retry (time ?out|"
        r"time not reached)|"
        r"unable to deliver in|could not be delivered for|delivery time expired|retry timeout|too long in the queue|"
        r"queue too long",
    ),
    (
        "notaccept",
        Blame.ADDRESS,
        r"not accepting (network )?(messages|mail)|does not accept (any )?(mail|messages)|"
        r"null mx|"
        r"nullmx|smtp service not available|malformed or unexpected name server reply|sorry.{0,40}not accept any mail",
    ),
    (
        "hostunknown",
        Blame.ADDRESS,
        r"host or domain name not found|host (was )?(unknown|not found)|"
        r"domain (does not exist|not found|"
        r"name not found|is not found|must exist)|unknown (host|domain)|no such (domain|host)|invalid domain|nxdomain|"
        r"unrout(e)?able (address|mail domain)|name or service not known|no mx|no mail exchanger|bad destination (host|"
        r"system)|"
        r"lookup.{0,30}failed|couldn.?t find any host|recipient.{0,20}domain.{0,20}invalid|dns (name|"
        r"domain) .{0,30}does not exist",
    ),
    (
        "contenterror",
        Blame.CONTENT,
        r"media error|duplicate header|header error|content (error|not supported|"
        r"conversion)|improper "
        r"(use of )?8-?bit|bare (cr|lf)|line too long|malformed (header|message)|mime (error|boundary)|attachment",
    ),
    (
        "syntaxerror",
        Blame.SENDER,
        r"syntax error|parameter not implemented|command (not recognized|parameter|"
        r"unrecognized|rejected)|"
        r"malformed address|bad (command|sequence)|unrecognized (command|parameter)|invalid (command|parameter|"
        r"argument)",
    ),
    ("onhold", Blame.NETWORK, r"\bon hold\b"),
    (
        "userunknown",
        Blame.ADDRESS,
        r"user (is )?(unknown|not found|doesn.?t exist|does not exist|not known|invalid)|"
        r"unknown (user|"
        r"recipient|address|account|mailbox|local)|no (such )?(user|mailbox|recipient|account|person|address)|"
        r"(recipient|mailbox|account|"
        r"address|addressee)( address)?( \S+)? (is )?(unknown|not (found|exist|known|valid|available)|unavailable|"
        r"invalid|does(n.?t| not) "
        r"exist)|(invalid|bad|nonexistent|undeliverable) (recipient|mailbox|user|address)|not a (valid|known) (mailbox|"
        r"user|recipient|"
        r"address)|not (found|listed) in (the )?(directory|public name)|no mailbox here|does ?n.?o?t have (an|"
        r"a[ny]?) .{0,30}account|"
        r"not our customer|recipient ?not ?found|resolver\.adr|mailbox (unavailable|not found)|isn.?t (a user|in my)|"
        r"not a user|"
        r"user (reject|no longer)|left the (company|organi)|no longer (with|at|works|employed|valid)|"
        r"said:? 550 (5\.1\.1 )?no ",
    ),
    (
        "systemerror",
        Blame.NETWORK,
        r"internal (system|server|software)? ?error|system (config )?error|"
        r"local (configuration )?error|"
        r"server (configuration )?error|configuration error|service (currently )?unavailable|proxy error|"
        r"mail system problem|"
        r"can.?t create (user )?(output|temp)|timeout waiting|queue file|i/o error|temporary (failure|problem|error)",
    ),
)

BY_STATUS: tuple[tuple[str, str], ...] = (
    (r"\.1\.(1|3|10)$", "userunknown"),
    (r"\.1\.2$", "hostunknown"),
    (r"\.1\.6$", "hasmoved"),
    (r"\.1\.[789]$", "rejected"),
    (r"\.2\.1$", "suspend"),
    (r"\.2\.2$", "mailboxfull"),
    (r"\.2\.3$", "exceedlimit"),
    (r"\.2\.[04]$", "filtered"),
    (r"\.3\.1$", "systemfull"),
    (r"\.3\.2$", "notaccept"),
    (r"\.3\.4$", "mesgtoobig"),
    (r"\.3\.\d+$", "systemerror"),
    (r"\.4\.4$", "hostunknown"),
    (
        r"\.4\.(1|2|5|"
        r"6)$",
        "networkerror",
    ),
    (r"\.4\.310$", "hostunknown"),
    (r"\.4\.7$", "expired"),
    (r"\.4\.\d+$", "networkerror"),
    (r"\.5\.3$", "policyviolation"),
    (r"\.5\.\d+$", "syntaxerror"),
    (r"\.6\.\d+$", "contenterror"),
    (r"\.7\.(26|20|21|22|23|515)$", "authfailure"),
    (r"\.7\.25$", "requireptr"),
    (r"\.7\.(13)$", "suspend"),
    (r"\.7\.\d+$", "policyviolation"),
)
