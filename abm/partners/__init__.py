"""Partners: distributors and wholesalers that look after accounts for us, and the pages they see themselves."""
