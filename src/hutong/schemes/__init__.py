"""Ways of selling. Each is a folder; `app.py` names them; they do not know each other."""
