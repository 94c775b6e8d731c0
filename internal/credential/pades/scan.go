package pades

import (
	"bytes"
	"strconv"
)

// maxDepth bounds arrays and dictionaries within one another: ours reach four.
const maxDepth = 16

// scanner walks over the objects of a PDF (ISO 32000-2, 7.3). It knows what our own writer writes, and stops at
// anything else; it never allocates by a number that it has read.
type scanner struct {
	data []byte
	pos  int
}

// entry is one pair of a dictionary; value is the bytes as they stand.
type entry struct {
	key   string
	value []byte
}

// dictionary is a dictionary in the order in which it was written.
type dictionary []entry

// get gives the bytes of a key's value, or nil.
func (d dictionary) get(key string) []byte {
	for _, e := range d {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// reference reads a value that must be of the form "12 0 R".
func (d dictionary) reference(key string) (int, error) {
	number, ok := bytes.CutSuffix(d.get(key), []byte(" 0 R"))
	n, err := strconv.ParseUint(string(number), 10, 31)
	if !ok || err != nil {
		return 0, Malformed.because("/%s is no reference", key)
	}
	return int(n), nil
}

func (s *scanner) peek() byte {
	if s.pos >= len(s.data) {
		return 0
	}
	return s.data[s.pos]
}

func (s *scanner) space() {
	for s.pos < len(s.data) && isSpace(s.data[s.pos]) {
		s.pos++
	}
}

// word steps over the word if it comes next, with the space before it.
func (s *scanner) word(w string) bool {
	s.space()
	if !bytes.HasPrefix(s.data[s.pos:], []byte(w)) {
		return false
	}
	s.pos += len(w)
	return true
}

// integer reads a number without sign or point.
func (s *scanner) integer() (int, bool) {
	s.space()
	start := s.pos
	for s.pos < len(s.data) && s.data[s.pos] >= '0' && s.data[s.pos] <= '9' {
		s.pos++
	}
	n, err := strconv.ParseUint(string(s.data[start:s.pos]), 10, 31)
	return int(n), err == nil
}

// dictionary reads a dictionary whose keys are each there once and written plainly.
func (s *scanner) dictionary(depth int) (dictionary, error) {
	if depth > maxDepth || !s.word("<<") {
		return nil, Malformed.because("no dictionary at %d", s.pos)
	}
	var d dictionary
	for !s.word(">>") {
		key, err := s.name()
		if err != nil {
			return nil, err
		}
		if d.get(key) != nil {
			return nil, Malformed.because("/%s stands twice", key)
		}
		s.space()
		start := s.pos
		if err := s.value(depth + 1); err != nil {
			return nil, err
		}
		d = append(d, entry{key, s.data[start:s.pos]})
	}
	return d, nil
}

// name reads a name; one with #-escapes is not ours, and would hide a key from us that readers see.
func (s *scanner) name() (string, error) {
	s.space()
	if s.peek() != '/' {
		return "", Malformed.because("no name at %d", s.pos)
	}
	start := s.pos + 1
	for s.pos = start; s.pos < len(s.data) && isRegular(s.data[s.pos]); s.pos++ {
		if s.data[s.pos] == '#' {
			return "", Malformed.because("escaped name at %d", start)
		}
	}
	return string(s.data[start:s.pos]), nil
}

// value steps over one value of any kind.
func (s *scanner) value(depth int) error {
	if depth > maxDepth {
		return Malformed.because("nested too deep at %d", s.pos)
	}
	s.space()
	switch c := s.peek(); {
	case c == '/':
		_, err := s.name()
		return err
	case bytes.HasPrefix(s.data[s.pos:], []byte("<<")):
		_, err := s.dictionary(depth)
		return err
	case c == '<':
		return s.hexString()
	case c == '(':
		return s.text()
	case c == '[':
		return s.array(depth)
	case c >= '0' && c <= '9':
		return s.numberOrReference()
	}
	return s.regular()
}

func (s *scanner) array(depth int) error {
	s.pos++
	for !s.word("]") {
		if err := s.value(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

func (s *scanner) hexString() error {
	end := bytes.IndexByte(s.data[s.pos:], '>')
	if end < 0 {
		return Malformed.because("open string at %d", s.pos)
	}
	s.pos += end + 1
	return nil
}

func (s *scanner) text() error {
	start := s.pos
	for open := 0; s.pos < len(s.data); s.pos++ {
		switch s.data[s.pos] {
		case '\\':
			s.pos++
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				s.pos++
				return nil
			}
		}
	}
	return Malformed.because("open string at %d", start)
}

func (s *scanner) numberOrReference() error {
	if err := s.regular(); err != nil {
		return err
	}
	if bytes.HasPrefix(s.data[s.pos:], []byte(" 0 R")) {
		s.pos += len(" 0 R")
	}
	return nil
}

// regular steps over a number or a keyword.
func (s *scanner) regular() error {
	start := s.pos
	for s.pos < len(s.data) && isRegular(s.data[s.pos]) {
		s.pos++
	}
	if s.pos == start {
		return Malformed.because("nothing readable at %d", start)
	}
	return nil
}

func isSpace(c byte) bool { return bytes.IndexByte([]byte("\x00\t\n\f\r "), c) >= 0 }

// isRegular says whether a byte is neither space nor delimiter. '%' is a delimiter: comments inside objects are
// not ours either.
func isRegular(c byte) bool { return c > ' ' && bytes.IndexByte([]byte("()<>[]{}/%"), c) < 0 }
