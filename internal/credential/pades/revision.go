package pades

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// maxText bounds each text beside a seal, in bytes of UTF-8.
const maxText = 1024

// byteRangeRoom holds "[0 a b c]" with numbers of up to ten digits; the rest stays blank.
const byteRangeRoom = len("[0 0123456789 0123456789 0123456789]")

// revision is the incremental update that carries a seal (ISO 32000-2, 7.5.6): the document as it was, then the
// catalog and the first page anew, the field, its empty appearance, and the signature dictionary.
type revision struct {
	bytes.Buffer
	of      *document
	offsets map[int]int

	byteRange int // where the room for ByteRange begins
	contents  int // where /Contents begins, at its "<"
	room      int // bytes of CMS for which /Contents has room
}

// extend writes the update with room for so many bytes of CMS and the ByteRange filled in.
func extend(d *document, how Appearance, room int) (*revision, error) {
	r := &revision{of: d, room: room, offsets: map[int]int{}}
	r.Grow(len(d.raw) + 2*room + 4096)
	r.Write(d.raw)
	if !bytes.HasSuffix(d.raw, []byte("\n")) {
		r.WriteByte('\n')
	}
	field := len(d.offsets)
	look, seal := field+1, field+2
	if err := r.seal(seal, how); err != nil {
		return nil, err
	}
	if err := r.field(field, look, seal, how.Field); err != nil {
		return nil, err
	}
	r.look(look)
	r.page(field)
	r.catalog(field, seal, how.Final)
	r.end(seal + 1)
	r.fillByteRange()
	return r, nil
}

func (r *revision) begin(number int) {
	r.offsets[number] = r.Len()
	fmt.Fprintf(r, "%d 0 obj\n<<", number)
}

// seal writes the signature dictionary (ISO 32000-2, 12.8.1).
func (r *revision) seal(number int, how Appearance) error {
	r.begin(number)
	r.WriteString("/Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached\n/ByteRange ")
	r.byteRange = r.Len()
	r.Write(bytes.Repeat([]byte(" "), byteRangeRoom))
	r.WriteString("\n/Contents ")
	r.contents = r.Len()
	r.WriteByte('<')
	r.Write(bytes.Repeat([]byte("0"), 2*r.room))
	fmt.Fprintf(r, ">\n/M (%s)", moment(how.At))
	for _, t := range []entry{
		{"Name", []byte(how.Name)}, {"Reason", []byte(how.Reason)},
		{"Location", []byte(how.Location)}, {"ContactInfo", []byte(how.Contact)},
	} {
		if len(t.value) == 0 {
			continue
		}
		written, err := text(string(t.value))
		if err != nil {
			return err
		}
		fmt.Fprintf(r, "\n/%s %s", t.key, written)
	}
	if how.Final {
		r.WriteString("\n/Reference [<</Type /SigRef /TransformMethod /DocMDP" +
			" /TransformParams <</Type /TransformParams /P 1 /V /1.2>>>>]")
	}
	r.WriteString(">>\nendobj\n")
	return nil
}

// field writes the signature field merged with its widget: no area, printed, locked (flags 4 and 128).
func (r *revision) field(number, look, seal int, name string) error {
	if name == "" {
		name = "Signature1"
	}
	written, err := text(name)
	if err != nil {
		return err
	}
	r.begin(number)
	fmt.Fprintf(r, "/Type /Annot /Subtype /Widget /FT /Sig /T %s /V %d 0 R /P %d 0 R /F 132 /Rect [0 0 0 0]"+
		" /AP <</N %d 0 R>>>>\nendobj\n", written, seal, r.of.first, look)
	return nil
}

func (r *revision) look(number int) {
	r.begin(number)
	r.WriteString("/Type /XObject /Subtype /Form /BBox [0 0 0 0] /Resources <<>> /Length 0>>\nstream\n\nendstream\nendobj\n")
}

func (r *revision) page(field int) {
	r.begin(r.of.first)
	r.entries(r.of.page.without("Annots"))
	others := bytes.TrimSuffix(bytes.TrimPrefix(r.of.page.get("Annots"), []byte("[")), []byte("]"))
	fmt.Fprintf(r, "/Annots [%s %d 0 R]>>\nendobj\n", others, field)
}

// catalog announces the field and that the file may only be appended to (SigFlags 1 and 2). The extension names the
// base in which ETSI.CAdES.detached is known to readers of PDF 1.7.
func (r *revision) catalog(field, seal int, final bool) {
	r.begin(r.of.root)
	r.entries(r.of.catalog.without("Version").without("Extensions"))
	r.WriteString("/Version /1.7 /Extensions <</ESIC <</BaseVersion /1.7 /ExtensionLevel 2>>>>\n")
	fmt.Fprintf(r, "/AcroForm <</Fields [%d 0 R] /SigFlags 3>>", field)
	if final {
		fmt.Fprintf(r, " /Perms <</DocMDP %d 0 R>>", seal)
	}
	r.WriteString(">>\nendobj\n")
}

func (r *revision) entries(d dictionary) {
	for _, e := range d {
		fmt.Fprintf(r, "/%s %s\n", e.key, e.value)
	}
}

// end writes the table of what is new, and a trailer that leads on to the old one.
func (r *revision) end(size int) {
	table := r.Len()
	numbers := make([]int, 0, len(r.offsets))
	for n := range r.offsets {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	r.WriteString("xref\n")
	for _, n := range numbers {
		fmt.Fprintf(r, "%d 1\n%010d 00000 n \n", n, r.offsets[n])
	}
	before, after := r.identifiers()
	fmt.Fprintf(r, "trailer\n<</Size %d /Root %d 0 R", size, r.of.root)
	if info := r.of.trailer.get("Info"); info != nil {
		fmt.Fprintf(r, " /Info %s", info)
	}
	fmt.Fprintf(r, " /Prev %d /ID [%s<%x>]>>\nstartxref\n%d\n%%%%EOF\n", r.of.table, before, after, table)
}

// identifiers gives the file's identifier as it was, or a new one, and that of the revision. They are digests, so
// that the same inputs give the same file.
func (r *revision) identifiers() (before, after []byte) {
	const size = 16
	s := scanner{bytes.TrimPrefix(r.of.trailer.get("ID"), []byte("[")), 0}
	if s.space(); s.peek() == '<' && s.hexString() == nil {
		before = s.data[:s.pos]
	} else {
		before = fmt.Appendf(nil, "<%x>", sum(crypto.SHA256, r.of.raw)[:size])
	}
	return before, sum(crypto.SHA256, before, r.Bytes()[len(r.of.raw):])[:size]
}

func (r *revision) fillByteRange() {
	rest := r.contents + 2*r.room + 2
	copy(r.Bytes()[r.byteRange:], fmt.Sprintf("[0 %d %d %d]", r.contents, rest, r.Len()-rest))
}

// digest is over everything but /Contents.
func (r *revision) digest(hash crypto.Hash) []byte {
	all := r.Bytes()
	return sum(hash, all[:r.contents], all[r.contents+2*r.room+2:])
}

// with gives the whole file with the CMS in its room. What the room has left stays zeros, which a reader of DER
// never reaches.
func (r *revision) with(cms []byte) []byte {
	all := bytes.Clone(r.Bytes())
	hex.Encode(all[r.contents+1:], cms)
	return all
}

// moment writes a time as PDF does, in UTC (ISO 32000-1, 7.9.4, whose last apostrophe readers of both editions take).
func moment(at time.Time) string { return at.UTC().Format("D:20060102150405") + "+00'00'" }

// text writes a text string: as it is where it is plain ASCII, else as UTF-16 in hexadecimal, so that no letter of
// a name can end the string.
func text(t string) (string, error) {
	if len(t) > maxText || !utf8.ValidString(t) {
		return "", WrongText
	}
	if !slices.ContainsFunc([]byte(t), func(c byte) bool { return c < ' ' || c > '~' || c == '(' || c == ')' || c == '\\' }) {
		return "(" + t + ")", nil
	}
	written := []byte("<FEFF")
	for _, unit := range utf16.Encode([]rune(t)) {
		written = fmt.Appendf(written, "%04X", unit)
	}
	return string(append(written, '>')), nil
}

func sum(hash crypto.Hash, parts ...[]byte) []byte {
	h := hash.New()
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}
