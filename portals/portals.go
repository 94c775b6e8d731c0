// Package portals embeds the definitions of the portals that come with the program. It holds data and nothing else:
// each directory is one portal, read by package portal. To begin a new one, run "chancela portal new NAME".
package portals

import "embed"

// Files are the embedded portals, a directory each.
//
//go:embed all:ecce all:cases
var Files embed.FS
