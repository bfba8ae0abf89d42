"""Parse, call, render: what a request may ask of the rest."""
