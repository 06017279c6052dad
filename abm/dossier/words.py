"""The words of the dossier: stages of a relationship, results and reasons of tenders, strengths. Pure."""

STAGES = {
    "unknown_to_us": "Not known to us yet", "contact": "In contact", "offer": "Offer made",
    "first_order": "First order", "regular": "Regular customer",
    "partner": "Long-term partner", "at_risk": "At risk",
}
RESULTS = {"open": "Open", "won": "Won", "lost": "Lost", "withdrawn": "Withdrawn"}
REASONS = {
    "price": "Price", "quality": "Quality", "deadline": "Delivery time", "specification": "Specification",
    "relationship": "Relationship", "service": "Service", "competitor": "A competitor's offer",
    "no_decision": "Nothing was bought", "other": "Other",
}
STRENGTHS = {1: "1 – tries", 2: "2 – delivers a little", 3: "3 – second source", 4: "4 – main source",
             5: "5 – sole source"}
TEXTS = {
    "description": "Description", "history": "History", "management": "Management", "environment": "Environment",
}
