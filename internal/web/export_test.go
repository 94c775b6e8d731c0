package web

import "net/url"

// FirstLink is the first address in a letter's line that its page links to.
func FirstLink(here *url.URL, line string) string {
	for _, one := range (&Server{Config: Config{Base: here}}).spans(line) {
		if one.Href != "" {
			return one.Href
		}
	}
	return ""
}
