"""The gallery: every card that Halo can show, drawn in every format. `lives` lives the cards, `formats` draws them, `folder` writes them down."""
