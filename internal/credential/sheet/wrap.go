package sheet

import "strings"

// wrap cuts a text into lines that fit: at its line feeds, between words, and inside a word only if the word alone
// is wider than a line.
func (c *canvas) wrap(s style, wide float64, text string) []string {
	c.font(s)
	space := c.pdf.GetStringWidth(" ")
	var lines []string
	for part := range strings.SplitSeq(text, "\n") {
		line, used := "", 0.0
		for word := range strings.SplitSeq(part, " ") {
			if word == "" {
				continue
			}
			need := c.pdf.GetStringWidth(word)
			if line != "" && used+space+need <= wide {
				line, used = line+" "+word, used+space+need
				continue
			}
			if line != "" {
				lines = append(lines, line)
			}
			var whole []string
			whole, line = c.cut(wide, word)
			lines, used = append(lines, whole...), c.pdf.GetStringWidth(line)
		}
		lines = append(lines, line)
	}
	return lines
}

// cut gives a word in pieces as wide as a line, and what is left of it.
func (c *canvas) cut(wide float64, word string) (whole []string, rest string) {
	if c.pdf.GetStringWidth(word) <= wide {
		return nil, word
	}
	used, from := 0.0, 0
	for i, r := range word {
		need := c.pdf.GetStringWidth(string(r))
		if used+need > wide && i > from {
			whole, from, used = append(whole, word[from:i]), i, 0
		}
		used += need
	}
	return whole, word[from:]
}

// shorten gives what fits on one line, with an ellipsis where something was left out.
func (c *canvas) shorten(s style, wide float64, text string) string {
	lines := c.wrap(s, wide, text)
	if len(lines) == 1 {
		return lines[0]
	}
	return c.wrap(s, wide-c.measure(s, " …"), text)[0] + " …"
}
