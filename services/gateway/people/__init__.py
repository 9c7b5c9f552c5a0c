"""People who keep the hub: roles, invitations, credentials, sessions."""
