package evidence

import (
	"bytes"
	"compress/zlib"
	"io"
	"slices"
	"strconv"
)

// A PDF is not parsed but looked over: one pass over its bytes for names, and one over the object streams in which
// PDF 1.5 hides dictionaries, inflated within a bound. A full parser in this process would be a way to stop it
// (loops, depth, bombs); what this scan cannot see, the reader of the officer still meets as an inert download. It
// errs on the side of telling: a name that stands in a comment is found too.
const (
	mostInflated = 16 << 20 // bytes, of one document's object streams in all
	tailLength   = 1024     // where the end of a PDF must be, as readers have it
	mostWork     = 64 << 20 // bytes looked at more than once: no document can keep us busy
	// longestDictionary bounds a trailer, and how far before "stream" its dictionary is looked for.
	longestDictionary = 16 << 10
)

// telling says what an officer should know of, by the PDF names that bring it (ISO 32000-1, 12.6.4 and 7.11.4).
func telling(name string) (Finding, bool) {
	switch name {
	case "JavaScript":
		return Script, true
	case "Launch", "GoToR", "ImportData":
		return Launch, true
	case "EmbeddedFile", "EmbeddedFiles", "GoToE":
		return Attachment, true
	case "SubmitForm":
		return Submit, true
	case "RichMedia", "Rendition", "Movie", "Sound", "3D":
		return Media, true
	case "XFA":
		return LiveForm, true
	case "ByteRange":
		return Signature, true
	}
	return "", false
}

func examinePDF(content []byte) ([]Finding, problem) {
	if !bytes.HasPrefix(content, []byte("%PDF-")) {
		return nil, rejected // something stands before it: another kind of file, or a broken one
	}
	end := bytes.TrimRight(content, "\x00\t\n\f\r ")
	if !bytes.HasSuffix(end, []byte("%%EOF")) || len(content)-len(end) > tailLength {
		return nil, damaged
	}
	if !bytes.Contains(content, []byte("startxref")) || !bytes.Contains(content, []byte(" obj")) {
		return nil, damaged
	}
	seen := &pdfScan{content: content, found: map[Finding]bool{}}
	if problem := seen.run(); problem != "" {
		return nil, problem
	}
	return seen.findings(), ""
}

type pdfScan struct {
	content  []byte
	found    map[Finding]bool
	inflated int64 // bytes so far
	work     int   // bytes looked at more than once, so far
}

func (s *pdfScan) run() problem {
	s.note(s.content)
	if s.trailerEncrypts() {
		return damaged // E-FIC-04 is for both
	}
	if s.work > mostWork {
		return rejected // made to keep us busy
	}
	return s.streams()
}

func (s *pdfScan) findings() []Finding {
	all := make([]Finding, 0, len(s.found))
	for f := range s.found {
		all = append(all, f)
	}
	slices.Sort(all)
	return all
}

func (s *pdfScan) note(region []byte) {
	for name := range pdfNames(region) {
		if f, ok := telling(name); ok {
			s.found[f] = true
		}
	}
}

// trailerEncrypts looks for /Encrypt where it has a meaning (7.6.1): the word in the text of a page is no encryption.
func (s *pdfScan) trailerEncrypts() bool {
	rest := s.content
	for {
		i := bytes.Index(rest, []byte("trailer"))
		if i < 0 || s.work > mostWork {
			return false // or too much work already, for which run refuses the document
		}
		rest = rest[i+len("trailer"):]
		region := rest[:min(len(rest), longestDictionary)]
		if end := bytes.Index(region, []byte("startxref")); end >= 0 {
			region = region[:end]
		}
		s.work += len(region)
		if hasName(region, "Encrypt") {
			return true
		}
	}
}

// streams looks at the dictionary of every stream, for encryption, and into the object streams. It goes on right
// after each "stream", not after its end, so that an object put inside another's stream is seen as well.
func (s *pdfScan) streams() problem {
	rest := s.content
	for at := 0; ; {
		i := bytes.Index(rest[at:], []byte("stream"))
		if i < 0 {
			return ""
		}
		start := at + i
		at = start + len("stream")
		if bytes.HasSuffix(rest[:start], []byte("end")) {
			continue
		}
		before := rest[max(0, start-longestDictionary):start]
		dictionary := before[max(0, bytes.LastIndex(before, []byte("obj"))):]
		if s.work += len(dictionary); s.work > mostWork {
			return rejected // made to keep us busy
		}
		if problem := s.stream(dictionary, rest[at:]); problem != "" {
			return problem
		}
	}
}

func (s *pdfScan) stream(dictionary, content []byte) problem {
	switch {
	case hasName(dictionary, "XRef") && hasName(dictionary, "Encrypt"):
		return damaged
	case !hasName(dictionary, "ObjStm") || !hasName(dictionary, "Filter") && !hasName(dictionary, "F"):
		return "" // in the clear: the pass over the whole file saw it
	case !hasName(dictionary, "FlateDecode") || hasName(dictionary, "ASCIIHexDecode") || hasName(dictionary, "ASCII85Decode") ||
		hasName(dictionary, "LZWDecode"):
		s.found[Opaque] = true
		return ""
	}
	return s.inflate(bytes.TrimPrefix(bytes.TrimPrefix(content, []byte("\r")), []byte("\n")))
}

// inflate looks into an object stream, within the bound for all of them.
func (s *pdfScan) inflate(stream []byte) problem {
	s.work += 64 << 10 // what an inflater costs before its first byte
	r, err := zlib.NewReader(bytes.NewReader(stream))
	if err != nil {
		s.found[Opaque] = true
		return ""
	}
	defer func() { _ = r.Close() }()
	text, err := io.ReadAll(io.LimitReader(r, mostInflated-s.inflated+1))
	if s.inflated += int64(len(text)); s.inflated > mostInflated {
		return rejected // a bomb, or no document that a person would file
	}
	if err != nil {
		s.found[Opaque] = true
	}
	s.note(text)
	return ""
}

func hasName(region []byte, want string) bool {
	for name := range pdfNames(region) {
		if name == want {
			return true
		}
	}
	return false
}

// pdfNames yields the names of a region with #xx decoded (7.3.5), so that /J#61vaScript is JavaScript.
func pdfNames(region []byte) func(yield func(string) bool) {
	const longest = 127 // Annex C
	return func(yield func(string) bool) {
		for {
			i := bytes.IndexByte(region, '/')
			if i < 0 {
				return
			}
			region = region[i+1:]
			name := make([]byte, 0, 16)
			n := 0
			for n < len(region) && n < 3*longest && !delimiter(region[n]) {
				c := region[n]
				if c == '#' && n+2 < len(region) {
					if v, err := strconv.ParseUint(string(region[n+1:n+3]), 16, 8); err == nil {
						c, n = byte(v), n+2
					}
				}
				name = append(name, c)
				n++
			}
			region = region[n:]
			if len(name) > 0 && !yield(string(name)) {
				return
			}
		}
	}
}

func delimiter(c byte) bool {
	return c <= ' ' || bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0
}
