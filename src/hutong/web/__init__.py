"""Pages for people. `routes` joins the faces; consumer and merchant pages do not know each other."""
