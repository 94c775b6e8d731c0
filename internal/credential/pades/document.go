package pades

import (
	"bytes"
	"fmt"
	"slices"
)

// maxDocument bounds what we take for our own: a sheet has less than a hundredth of it.
const maxDocument = 16 << 20

// document is a PDF of our own making, read just far enough to be extended.
type document struct {
	raw     []byte
	table   int   // offset of the cross-reference table
	offsets []int // by object number; 0 for free ones
	trailer dictionary
	root    int
	catalog dictionary
	first   int // number of the first page
	page    dictionary
}

// read takes a document apart, or says why it is not a fresh one of ours.
func read(pdf []byte) (*document, error) {
	if len(pdf) > maxDocument {
		return nil, TooLarge
	}
	if !bytes.HasPrefix(pdf, []byte("%PDF-1.")) {
		return nil, Malformed.because("no PDF 1 header at its first byte")
	}
	d := &document{raw: pdf}
	for _, step := range []func() error{d.readTable, d.checkTrailer, d.readCatalog, d.checkCatalog, d.readFirstPage} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// readTable reads the one cross-reference table and the trailer behind it, which must end the file: bytes that no
// table accounts for, before or after, are how documents are made to show two faces.
func (d *document) readTable() error {
	const tail = 64
	at := bytes.LastIndex(d.raw[max(0, len(d.raw)-tail):], []byte("startxref"))
	if at < 0 {
		return Malformed.because("no startxref at its end")
	}
	end := scanner{d.raw, max(0, len(d.raw)-tail) + at + len("startxref")}
	table, ok := end.integer()
	if !ok || table >= len(d.raw) {
		return Malformed.because("startxref leads nowhere")
	}
	s := scanner{d.raw, table}
	if !bytes.HasPrefix(d.raw[table:], []byte("xref")) {
		if _, isNumber := s.integer(); isNumber && s.word("0 obj") {
			return Compressed
		}
		return Malformed.because("no table where startxref points")
	}
	s.pos += len("xref")
	if err := d.readOffsets(&s); err != nil {
		return err
	}
	if !s.word("trailer") {
		return Malformed.because("the table has more than one section, or no trailer")
	}
	var err error
	if d.trailer, err = s.dictionary(0); err != nil {
		return err
	}
	again, ok := 0, s.word("startxref")
	if ok {
		again, ok = s.integer()
	}
	if !ok || again != table || !s.word("%%EOF") || len(bytes.TrimRight(d.raw[s.pos:], "\r\n")) > 0 {
		return Malformed.because("something stands between trailer and end")
	}
	d.table = table
	return nil
}

// readOffsets reads the single section of the table: object 0, free, then one line of 20 bytes for each object.
func (d *document) readOffsets(s *scanner) error {
	const line = 20
	from, ok := s.integer()
	count, ok2 := s.integer()
	s.space()
	if !ok || !ok2 || from != 0 || count < 2 || count > (len(d.raw)-s.pos)/line {
		return Malformed.because("the table's head is not ours")
	}
	d.offsets = make([]int, count)
	for i := range count {
		row := d.raw[s.pos : s.pos+line]
		s.pos += line
		number := scanner{row[:10], 0}
		offset, ok := number.integer()
		switch {
		case i == 0 && bytes.HasPrefix(row, []byte("0000000000 65535 f")):
		case i > 0 && ok && bytes.HasPrefix(row[10:], []byte(" 00000 n")) && offset < len(d.raw):
			d.offsets[i] = offset
		default:
			return Malformed.because("line %d of the table", i)
		}
	}
	return nil
}

func (d *document) checkTrailer() error {
	switch {
	case d.trailer.get("Encrypt") != nil:
		return Encrypted
	case d.trailer.get("Prev") != nil:
		return Revised
	case d.trailer.get("XRefStm") != nil:
		return Compressed
	case string(d.trailer.get("Size")) != fmt.Sprint(len(d.offsets)):
		return Malformed.because("/Size and table differ")
	}
	return nil
}

func (d *document) readCatalog() (err error) {
	if d.root, err = d.trailer.reference("Root"); err != nil {
		return err
	}
	if d.catalog, err = d.object(d.root); err != nil {
		return err
	}
	if string(d.catalog.get("Type")) != "/Catalog" {
		return Malformed.because("/Root is no catalog")
	}
	return nil
}

// checkCatalog refuses what makes a document more than paper: forms, signatures, scripts, deeds on opening.
func (d *document) checkCatalog() error {
	for _, key := range []string{"AcroForm", "Perms", "DSS"} {
		if d.catalog.get(key) != nil {
			return Signed
		}
	}
	for _, key := range []string{"AA", "Collection", "URI"} {
		if d.catalog.get(key) != nil {
			return Active.because("/%s", key)
		}
	}
	if open := d.catalog.get("OpenAction"); open != nil && open[0] != '[' {
		return Active.because("/OpenAction is no mere destination")
	}
	if bytes.Contains(d.catalog.get("Names"), []byte("/JavaScript")) {
		return Active.because("/JavaScript")
	}
	return nil
}

// readFirstPage goes down the page tree: the seal's field hangs on the first page.
func (d *document) readFirstPage() error {
	number, err := d.catalog.reference("Pages")
	for range maxDepth {
		if err != nil {
			return err
		}
		node, err2 := d.object(number)
		if err2 != nil {
			return err2
		}
		switch string(node.get("Type")) {
		case "/Page":
			d.first, d.page = number, node
			return d.checkFirstPage()
		case "/Pages":
			number, err = firstKid(node)
		default:
			return Malformed.because("object %d is no page", number)
		}
	}
	return Malformed.because("the page tree is too deep")
}

func firstKid(node dictionary) (int, error) {
	kids, ok := bytes.CutPrefix(node.get("Kids"), []byte("["))
	s := scanner{kids, 0}
	number, isNumber := s.integer()
	if !ok || !isNumber || !s.word("0 R") {
		return 0, Malformed.because("/Kids is no list of references")
	}
	return number, nil
}

func (d *document) checkFirstPage() error {
	if annotations := d.page.get("Annots"); annotations != nil && annotations[0] != '[' {
		return Malformed.because("/Annots is not written out")
	}
	if d.page.get("AA") != nil {
		return Active.because("/AA")
	}
	return nil
}

// object reads an object that must be a dictionary and nothing more.
func (d *document) object(number int) (dictionary, error) {
	if number <= 0 || number >= len(d.offsets) {
		return nil, Malformed.because("there is no object %d", number)
	}
	s := scanner{d.raw, d.offsets[number]}
	if !bytes.HasPrefix(d.raw[s.pos:], fmt.Appendf(nil, "%d 0 obj", number)) {
		return nil, Malformed.because("object %d is not where the table says", number)
	}
	s.pos += len(fmt.Sprintf("%d 0 obj", number))
	found, err := s.dictionary(0)
	if err != nil {
		return nil, err
	}
	if !s.word("endobj") {
		return nil, Malformed.because("object %d goes on after its dictionary", number)
	}
	return found, nil
}

// without gives the dictionary less one key.
func (d dictionary) without(key string) dictionary {
	return slices.DeleteFunc(slices.Clone(d), func(e entry) bool { return e.key == key })
}
