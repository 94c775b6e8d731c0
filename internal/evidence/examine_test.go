package evidence

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"slices"
	"strings"
	"testing"
	"time"
)

var all = []Kind{PDF, PNG, JPEG}

// pdf makes a small document of the given objects, with a right cross-reference table.
func pdf(objects ...string) []byte {
	return pdfWith("", objects...)
}

func pdfWith(trailer string, objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")
	objects = append([]string{"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>"}, objects...)
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, trailer, start)
	return b.Bytes()
}

func deflated(text string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

func objStm(filter, content string) string {
	return fmt.Sprintf("<< /Type /ObjStm /N 1 /First 4 /Filter %s /Length %d >>\nstream\n%s\nendstream", filter, len(content), content)
}

func pngOf(w, h int) []byte {
	var b bytes.Buffer
	picture := image.NewGray(image.Rect(0, 0, w, h))
	picture.Set(0, 0, color.White)
	_ = png.Encode(&b, picture)
	return b.Bytes()
}

// pngClaiming has a right header that claims a size, and nothing like so many pixels.
func pngClaiming(w, h uint32) []byte {
	small := pngOf(1, 1)
	binary.BigEndian.PutUint32(small[16:], w)
	binary.BigEndian.PutUint32(small[20:], h)
	binary.BigEndian.PutUint32(small[29:], crc32.ChecksumIEEE(small[12:29]))
	return small
}

func jpegOf(w, h int) []byte {
	var b bytes.Buffer
	_ = jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), nil)
	return b.Bytes()
}

func zipEnd(comment int) string {
	end := make([]byte, 22)
	copy(end, "PK\x05\x06")
	binary.LittleEndian.PutUint16(end[20:], uint16(comment))
	return string(end)
}

func join(parts ...any) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		switch p := p.(type) {
		case []byte:
			b.Write(p)
		case string:
			b.WriteString(p)
		}
	}
	return b.Bytes()
}

func TestWhatADocumentIsAndWhatIsWrongWithIt(t *testing.T) {
	good := pdf()
	for name, c := range map[string]struct {
		content []byte
		kind    Kind
		problem problem
	}{
		"PDF":                              {good, PDF, ""},
		"PDF with white space at its end":  {join(good, "\r\n\r\n"), PDF, ""},
		"PNG":                              {pngOf(20, 30), PNG, ""},
		"JPEG":                             {jpegOf(20, 30), JPEG, ""},
		"JPEG with a camera's own end":     {join(jpegOf(20, 30), "SEFH", strings.Repeat("\x00", 40), "SEFT"), JPEG, ""},
		"nothing":                          {nil, "", empty},
		"text":                             {[]byte("Exmos. Senhores,"), "", wrongKind},
		"GIF":                              {[]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), "", wrongKind},
		"GIF that is a script":             {[]byte("GIF89a=1;alert(1)"), "", wrongKind},
		"SVG":                              {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "", wrongKind},
		"HTML":                             {[]byte("<!DOCTYPE html><html></html>"), "", wrongKind},
		"a ZIP":                            {[]byte("PK\x03\x04" + zipEnd(0)), "", wrongKind},
		"a program":                        {[]byte("MZ\x90\x00" + strings.Repeat("\x00", 200)), "", wrongKind},
		"HTML before %PDF":                 {join("<html><script>alert(1)</script>", good), PDF, rejected},
		"spaces before %PDF":               {join("\n\n", good), PDF, rejected},
		"HTML behind %PDF":                 {join("%PDF-1.4\n<HTML><body>", good[9:]), PDF, rejected},
		"PDF and ZIP":                      {join(good[:len(good)-6], zipEnd(6), "%%EOF\n"), PDF, rejected},
		"PDF with a ZIP behind":            {join(good, "PK\x03\x04", zipEnd(0)), PDF, rejected},
		"JPEG and ZIP":                     {join(jpegOf(9, 9), "PK\x03\x04", zipEnd(0)), JPEG, rejected},
		"PNG and ZIP":                      {join(pngOf(9, 9), "PK\x03\x04", zipEnd(0)), PNG, rejected},
		"PNG with something behind":        {join(pngOf(9, 9), "x"), PNG, rejected},
		"JPEG with a PDF inside":           {join(jpegOf(9, 9)[:20], "%PDF-1.4", jpegOf(9, 9)[20:]), JPEG, rejected},
		"JPEG with a script inside":        {join(jpegOf(9, 9)[:20], "<script>", jpegOf(9, 9)[20:]), JPEG, rejected},
		"PNG of a flood of pixels":         {pngClaiming(50_000, 50_000), PNG, rejected},
		"PDF cut off":                      {good[:len(good)-20], PDF, damaged},
		"PDF with a letter behind":         {join(good, "Kind regards"), PDF, damaged},
		"PDF of one line":                  {[]byte("%PDF-1.4\n%%EOF"), PDF, damaged},
		"PNG cut off":                      {pngOf(99, 99)[:60], PNG, damaged},
		"PNG with a wrong checksum":        {flip(pngOf(20, 30), 30), PNG, damaged},
		"JPEG cut off":                     {jpegOf(99, 99)[:200], JPEG, damaged},
		"PDF with a password":              {pdfWith("/Encrypt 9 0 R"), PDF, damaged},
		"PDF with a password, name hidden": {pdfWith("/#45ncrypt 9 0 R"), PDF, damaged},
		"PDF 1.5 with a password":          {pdf("<< /Type /XRef /Encrypt 9 0 R /Length 0 >>\nstream\n\nendstream"), PDF, damaged},
		"PDF that speaks of encryption":    {pdf("<< /Length 9 >>\nstream\n(/Encrypt) Tj\nendstream"), PDF, ""},
		"PDF with a bomb":                  {pdf(objStm("/FlateDecode", deflated(strings.Repeat("0", mostInflated+1)))), PDF, rejected},
		"PDF with many small bombs":        {pdf(slices.Repeat([]string{objStm("/FlateDecode", deflated(strings.Repeat("0", mostInflated/4)))}, 5)...), PDF, rejected},
	} {
		kind, _, problem := examine(c.content, all)
		if problem != c.problem || problem == "" && kind != c.kind {
			t.Errorf("%s: %q %q, want %q %q", name, kind, problem, c.kind, c.problem)
		}
	}
}

func flip(content []byte, at int) []byte {
	content[at] ^= 1
	return content
}

func TestOnlyTheRulesKindsAreAdmitted(t *testing.T) {
	for _, content := range [][]byte{pngOf(5, 5), jpegOf(5, 5)} {
		if _, _, problem := examine(content, []Kind{PDF}); problem != wrongKind {
			t.Error(problem)
		}
	}
}

func TestAnOfficerIsToldWhatAPDFBrings(t *testing.T) {
	for name, c := range map[string]struct {
		content []byte
		want    []Finding
	}{
		"nothing":               {pdf(), nil},
		"a script":              {pdf("<< /S /JavaScript /JS (app.alert\\(1\\)) >>"), []Finding{Script}},
		"a script, name hidden": {pdf("<< /S /J#61vaS#63ript /JS (1) >>"), []Finding{Script}},
		"a script, compressed":  {pdf(objStm("/FlateDecode", deflated("1 0 << /S /JavaScript /JS (1) >>"))), []Finding{Script}},
		"a script within another object's stream": {pdf("<< /Length 99 >>\nstream\n9 0 obj " + objStm("[/FlateDecode]", deflated("/JavaScript"))), []Finding{Script}},
		"a program and a file":                    {pdf("<< /S /Launch /F (cmd.exe) >>", "<< /Type /EmbeddedFile /Length 1 >>\nstream\nx\nendstream"), []Finding{Attachment, Launch}},
		"a form":                                  {pdf("<< /XFA 3 0 R /S /SubmitForm >>"), []Finding{LiveForm, Submit}},
		"film":                                    {pdf("<< /Subtype /RichMedia >>"), []Finding{Media}},
		"a part in another code":                  {pdf(objStm("[/ASCIIHexDecode /FlateDecode]", "78")), []Finding{Opaque}},
		"a part that does not inflate":            {pdf(objStm("/FlateDecode", "x\x9c\xff\xff")), []Finding{Opaque}},
		"a signature":                             {pdf("<< /Type /Sig /ByteRange [0 1 2 3] >>"), []Finding{Signature}},
	} {
		_, findings, problem := examine(c.content, all)
		if problem != "" || !slices.Equal(findings, c.want) {
			t.Errorf("%s: %v %q, want %v", name, findings, problem, c.want)
		}
	}
}

// C11, C21: documents of 10 MB made to keep the check busy. The bound on work is what is tested, and that these end.
func TestNoDocumentKeepsTheCheckBusy(t *testing.T) {
	const size = 10 << 20
	fill := func(unit string) []byte {
		return join("%PDF-1.7\n1 0 obj\n", strings.Repeat(unit, size/len(unit)), "\nstartxref\n0\n%%EOF")
	}
	for name, content := range map[string][]byte{
		"streams":      fill("stream "),
		"trailers":     fill("trailer "),
		"names":        fill("/"),
		"hidden":       fill("/#4"),
		"dictionaries": fill("/ObjStm/Filter/FlateDecode stream\x78\x9c "),
		"objects":      fill("1 0 obj<</Type/ObjStm/Filter/FlateDecode>>stream\n\x78\x9c\x4b"),
		"ends":         fill("PK\x05\x06"),
		"long name":    join("%PDF-1.7\n1 0 obj /", strings.Repeat("a", size), "\nstartxref\n0\n%%EOF"),
	} {
		began := time.Now()
		_, _, problem := examine(content, all)
		t.Logf("%s: %q in %s", name, problem, time.Since(began).Round(time.Millisecond))
	}
	s := &pdfScan{content: fill("stream "), found: map[Finding]bool{}}
	if s.run() != rejected || s.work > mostWork+longestDictionary {
		t.Errorf("looked at %d bytes again", s.work)
	}
}

func FuzzExamine(f *testing.F) {
	for _, seed := range [][]byte{pdf(), pdf(objStm("/FlateDecode", deflated("/JavaScript"))), pngOf(3, 3), jpegOf(3, 3), nil, []byte("%PDF-1.4\n<html>"), pdfWith("/Encrypt 1 0 R")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 1<<20 {
			t.Skip("larger than the fuzzer's share")
		}
		kind, findings, problem := examine(content, all)
		if problem != "" {
			return
		}
		if !slices.Contains(all, kind) || !slices.IsSorted(findings) {
			t.Errorf("%q %v", kind, findings)
		}
		start := map[Kind]string{PDF: "%PDF-", PNG: "\x89PNG\r\n\x1a\n", JPEG: "\xff\xd8\xff"}[kind]
		if !bytes.HasPrefix(content, []byte(start)) {
			t.Errorf("admitted as %s without its beginning", kind)
		}
	})
}

func TestNamesAreShownSafely(t *testing.T) {
	for typed, want := range map[string]string{
		"ata.pdf":                            "ata.pdf",
		"Relatório e contas 2025 – nº 1.pdf": "Relatório e contas 2025 – nº 1.pdf",
		"../../etc/passwd":                   "passwd",
		`C:\Users\Ana\ata.pdf`:               "ata.pdf",
		"ata\x00.pdf\r\nSet-Cookie: a=b":     "ata.pdf Set-Cookie: a=b",
		"ata\u202Efdp.exe":                   "atafdp.exe",
		"a\u200Bta\uFEFF.pdf":                "ata.pdf",
		"":                                   "sem nome",
		"...":                                "sem nome",
		"/":                                  "sem nome",
		"\xff\xfe.pdf":                       "\uFFFD.pdf",
		"  ata   final .pdf ":                "ata final .pdf",
		"Cafe\u0301.pdf":                     "Café.pdf",
		strings.Repeat("é", 4000) + ".pdf":   strings.Repeat("é", 115) + "….pdf",
		strings.Repeat("a", 50000):           strings.Repeat("a", 119) + "…",
		`=cmd|' /C calc'!A1.pdf`:             " C calc'!A1.pdf"[1:],
		`"><img src=x onerror=alert(1)>.pdf`: `"><img src=x onerror=alert(1)>.pdf`,
	} {
		if got := cleanName(typed); got != want {
			t.Errorf("%.40q: %q, want %q", typed, got, want)
		}
	}
}

func FuzzCleanName(f *testing.F) {
	f.Add("ata.pdf")
	f.Add("..\\\u202E\r\n")
	f.Fuzz(func(t *testing.T, typed string) {
		got := cleanName(typed)
		if got == "" || len([]rune(got)) > longestName || strings.ContainsAny(got, "/\\\r\n\x00\u202E") || got != cleanName(got) {
			t.Errorf("%q became %q", typed, got)
		}
	})
}

func TestAFileIsHandedOutUnderItsTrueKind(t *testing.T) {
	for _, c := range []struct {
		name string
		kind Kind
		want string
	}{
		{"ata.pdf", PDF, "ata.pdf"}, {"ATA.PDF", PDF, "ATA.PDF"}, {"ata.exe", PDF, "ata.exe.pdf"}, {"foto.jpeg", JPEG, "foto.jpeg"},
		{"foto.html", JPEG, "foto.html.jpg"}, {"sem nome", PNG, "sem nome.png"},
	} {
		if got := (Doc{Name: c.name, Kind: c.kind}).FileName(); got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.name, c.kind, got, c.want)
		}
	}
}
