package evidence

import (
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"chancela/internal/blob"
)

// Kind is a kind of file that may be evidence.
type Kind string

// The kinds, by what they really are.
const (
	PDF  Kind = "pdf"
	PNG  Kind = "png"
	JPEG Kind = "jpeg"
)

// MediaType is the kind's registered name.
func (k Kind) MediaType() string {
	switch k {
	case PDF:
		return "application/pdf"
	case PNG:
		return "image/png"
	case JPEG:
		return "image/jpeg"
	}
	return "application/octet-stream"
}

func (k Kind) suffixes() []string {
	if k == JPEG {
		return []string{".jpg", ".jpeg"}
	}
	return []string{"." + string(k)}
}

// Scan says what is known of malware in a document.
type Scan string

// The states of a scan.
const (
	Unscanned Scan = "unscanned" // this instance has no scanner; the case page says so
	Clean     Scan = "clean"
	Held      Scan = "held" // the scanner did not answer: never released until it has
)

// Finding is something in a document that the officer who reads it should know. Its words are evidence.finding.<finding>.
type Finding string

// The findings.
const (
	Script     Finding = "script"     // JavaScript
	Launch     Finding = "launch"     // starts a program, opens or fetches another file
	Attachment Finding = "attachment" // carries other files
	Submit     Finding = "submit"     // sends what is typed in it somewhere
	Media      Finding = "media"      // plays sound, film or 3D
	LiveForm   Finding = "live-form"  // a form in XFA, which is a program of its own
	Opaque     Finding = "opaque"     // has a part that the check could not look into
	Signature  Finding = "signature"  // carries at least one electronic signature, not verified here
)

// ID names a document.
type ID string

// Doc is a document as it is known to the case.
type Doc struct {
	ID       ID
	Portal   string
	Case     string
	Slot     string // the key of the form's field
	Name     string // cleaned, for display
	Kind     Kind
	Size     int64
	Digest   string // SHA-256, hexadecimal
	Findings []Finding
	Scan     Scan
	By       string // id of the person who added it, or ""
	At       time.Time

	blob blob.Name
}

// FileName is the name under which the document is handed out: the owner's, but always with the true kind's ending.
func (d Doc) FileName() string {
	for _, suffix := range d.Kind.suffixes() {
		if strings.HasSuffix(strings.ToLower(d.Name), suffix) {
			return d.Name
		}
	}
	return d.Name + d.Kind.suffixes()[0]
}

// longestName bounds a shown name, in characters.
const longestName = 120

// cleanName keeps of a file's name what can be shown without harm: no folder, no control or invisible characters
// (they can turn the text around and hide an ending), at most 120 characters with the ending kept.
func cleanName(name string) string {
	if len(name) > 16*1024 {
		name = name[len(name)-16*1024:]
	}
	name = strings.ToValidUTF8(name, "\uFFFD")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, norm.NFC.String(name))
	name = strings.Trim(strings.Join(strings.Fields(name), " "), ". ")
	if name == "" {
		return "sem nome"
	}
	return shorten(name)
}

func shorten(name string) string {
	if utf8.RuneCountInString(name) <= longestName {
		return name
	}
	ending := path.Ext(name)
	if utf8.RuneCountInString(ending) > 10 {
		ending = ""
	}
	keep := longestName - utf8.RuneCountInString(ending) - 1
	return string([]rune(name)[:keep]) + "…" + ending
}
