"""What we know of an account: its dossier, tenders, competitors, family, sources and white space."""
