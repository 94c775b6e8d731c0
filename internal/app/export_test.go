package app

import "chancela/internal/ca"

// ReadListing reads the trusted list as the watch does.
func (a *App) ReadListing() { a.listing.read() }

// CheckListing is the line of the check verb.
func (a *App) CheckListing() Checked { return a.checkListing() }

// WatchedListing is what the operator is warned of.
func (a *App) WatchedListing() []ca.Watched { return a.watchedListing() }
