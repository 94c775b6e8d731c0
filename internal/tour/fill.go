package tour

import (
	"slices"
	"strconv"
	"strings"
)

// searchSuffix is how a form names the box that searches the register for the answer of a field.
const searchSuffix = ".procura"

// fill answers the fields of a form that there are answers for; the others keep what they show. It tells which
// fields it answered, and names the button to press before going on if the form must first show more: another row,
// or what a search finds.
func (f *form) fill(answers map[string][]string, files map[string][]upload) (answered []string, before string) {
	for i := range f.controls {
		c := &f.controls[i]
		switch c.kind {
		case "hidden", "submit", "image":
			continue
		case "file":
			c.files = files[c.name]
			if len(c.files) > 0 {
				answered = append(answered, c.name)
			}
			continue
		}
		if key, ok := strings.CutSuffix(c.name, searchSuffix); ok && len(answers[key]) > 0 {
			if !f.offers(key, answers[key][0]) {
				c.value, before = answers[key][0], "procurar:"+key
			}
			continue
		}
		values, ok := answerOf(c, answers)
		if !ok && len(files[c.name]) > 0 {
			values, ok = []string{string(files[c.name][0].content)}, true // a file pasted into a box
		}
		if ok {
			c.answer(values)
			answered = append(answered, c.name)
		}
	}
	if key, more := f.wantsRow(answers); more {
		before = "linha:" + key
	}
	return slices.Compact(answered), before
}

// offers says whether the form has a radio button of that name and value.
func (f *form) offers(name, value string) bool {
	return slices.ContainsFunc(f.controls, func(c control) bool { return c.kind == "radio" && c.name == name && c.value == value })
}

// answerOf finds the answers for a control: by its name, or by column and row ("key.column.2").
func answerOf(c *control, answers map[string][]string) ([]string, bool) {
	if values, ok := answers[c.name]; ok {
		return values, true
	}
	dot := strings.LastIndexByte(c.name, '.')
	if dot < 0 {
		return nil, false
	}
	row, err := strconv.Atoi(c.name[dot+1:])
	column, ok := answers[c.name[:dot]]
	if err != nil || !ok || row < 0 || row >= len(column) {
		return nil, false
	}
	return column[row : row+1], true
}

func (c *control) answer(values []string) {
	switch c.kind {
	case "radio", "checkbox":
		c.on = slices.Contains(values, c.value)
	default:
		c.value = strings.Join(values, "\n")
	}
}

// wantsRow names the question that has more answers than the form has rows.
func (f *form) wantsRow(answers map[string][]string) (string, bool) {
	for _, name := range sortedKeys(answers) {
		key, _, isColumn := strings.Cut(name, ".")
		if !isColumn {
			continue
		}
		rows := 0
		for _, c := range f.controls {
			if rest, ok := strings.CutPrefix(c.name, name+"."); ok {
				if n, err := strconv.Atoi(rest); err == nil {
					rows = max(rows, n+1)
				}
			}
		}
		if rows > 0 && rows < len(answers[name]) {
			return key, true
		}
	}
	return "", false
}
