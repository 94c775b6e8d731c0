package sheet

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"time"

	"codeberg.org/go-pdf/fpdf"
)

const producer = "Chancela"

// describe writes what the file says of itself: title, language, times, colours, in both of PDF's tongues.
func describe(pdf *fpdf.Fpdf, s Sheet) error {
	made := s.Made.UTC().Truncate(time.Second)
	title := s.Title
	if s.Number != "" {
		title += " " + s.Number
	}
	pdf.SetTitle(title, true)
	pdf.SetAuthor(s.Issuer.Name, true)
	pdf.SetProducer(producer, true)
	pdf.SetCreator(producer, true)
	pdf.SetCreationDate(made)
	pdf.SetModificationDate(made)
	pdf.SetLang(string(s.Lang))
	pdf.AddOutputIntent(fpdf.OutputIntentType{
		SubtypeIdent:              fpdf.OutputIntent_GTS_PDFA1, // ISO 19005-2, 6.2.3 keeps the name of part 1
		OutputConditionIdentifier: "sRGB",
		Info:                      "sRGB IEC61966-2.1",
		ICCProfile:                colourProfile,
	})
	metadata, err := xmp(title, s.Issuer.Name, string(s.Lang), made)
	pdf.SetXmpMetadata(metadata)
	return err
}

// xmp gives the same as metadata in XML (ISO 16684-1). It claims no part of PDF/A: only a validator may.
func xmp(title, author, lang string, made time.Time) ([]byte, error) {
	var t, a, l bytes.Buffer
	for _, p := range []struct {
		to   *bytes.Buffer
		text string
	}{{&t, title}, {&a, author}, {&l, lang}} {
		if err := xml.EscapeText(p.to, []byte(p.text)); err != nil {
			return nil, fmt.Errorf("sheet: write the metadata: %w", err)
		}
	}
	return fmt.Appendf(nil, `<?xpacket begin="`+"\ufeff"+`" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">%s</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>%s</rdf:li></rdf:Seq></dc:creator>
<dc:language><rdf:Bag><rdf:li>%s</rdf:li></rdf:Bag></dc:language>
<xmp:CreateDate>%[4]s</xmp:CreateDate><xmp:ModifyDate>%[4]s</xmp:ModifyDate><xmp:CreatorTool>%[5]s</xmp:CreatorTool>
<pdf:Producer>%[5]s</pdf:Producer>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>`, t.String(), a.String(), l.String(), made.Format("2006-01-02T15:04:05Z"), producer), nil
}

// identify writes the trailer anew: with the file's identifier, which the library leaves out (ISO 19005-2, 6.1.3
// wants one), and with /Info at the right object, which the library misses by one if there is a colour profile.
func identify(pdf []byte) ([]byte, error) {
	at := bytes.LastIndex(pdf, []byte("trailer\n"))
	if at < 0 {
		return nil, errors.New("sheet: the document has no trailer")
	}
	var size, root, info, table int
	_, err := fmt.Sscanf(string(pdf[at:]), "trailer\n<<\n/Size %d\n/Root %d 0 R\n/Info %d 0 R\n>>\nstartxref\n%d\n", &size, &root, &info, &table)
	if err != nil {
		return nil, fmt.Errorf("sheet: read the trailer: %w", err)
	}
	id := sha256.Sum256(pdf[:at])
	const afterInfo = 2 // the catalog is last, the colour profile before it, the information before that
	return fmt.Appendf(pdf[:at], "trailer\n<<\n/Size %d\n/Root %d 0 R\n/Info %d 0 R\n/ID [<%x> <%x>]\n>>\nstartxref\n%d\n%%%%EOF\n",
		size, root, root-afterInfo, id[:16], id[:16], table), nil
}
