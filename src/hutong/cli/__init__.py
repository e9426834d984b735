"""The command line. `group` joins the commands; a command that needs little imports little."""
