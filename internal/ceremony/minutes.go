package ceremony

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"chancela/internal/credential/sheet"
	"chancela/internal/i18n"
)

// timeForm is how times stand in the record and the minutes: UTC, to the second.
const timeForm = "2006-01-02T15:04:05Z"

func parseTime(text string) (time.Time, error) { return time.Parse(timeForm, text) }

// paper is the minutes while they are drawn: A4, Portuguese with English below or beside.
type paper struct {
	pdf *fpdf.Fpdf
}

// Measures in millimetres, and sizes in points.
const (
	edge, wide   = 18.0, 174.0
	labelWide    = 52.0
	paperBottom  = 278.0
	small, plain = 7.5, 9.0
	head1, head2 = 15.0, 11.0
	family       = "Noto Sans"
)

// minutes draws what happened, from the record up to its entry with that digest. The same record gives the same bytes.
func (d *Dir) minutes(s *Script, head string, at time.Time) ([]byte, error) {
	p := &paper{pdf: fpdf.New("P", "mm", "A4", "")}
	p.pdf.SetMargins(edge, 16, edge)
	p.pdf.SetAutoPageBreak(true, 297-paperBottom)
	p.pdf.SetCatalogSort(true)
	regular, bold := sheet.Fonts()
	p.pdf.AddUTF8FontFromBytes(family, "", regular)
	p.pdf.AddUTF8FontFromBytes(family, "B", bold)
	p.pdf.SetTitle(say("minutes.title").PT+" "+s.Name, true)
	p.pdf.SetAuthor(s.Body, true)
	p.pdf.SetCreator("Chancela", true)
	p.pdf.SetProducer("Chancela", true)
	p.pdf.SetCreationDate(at.UTC().Truncate(time.Second))
	p.pdf.SetModificationDate(at.UTC().Truncate(time.Second))
	p.pdf.SetLang(string(i18n.PT))
	p.pdf.AliasNbPages("")
	p.pdf.SetFooterFunc(func() {
		p.pdf.SetY(-13)
		p.font(small, false)
		text := i18n.Say(i18n.PT, "ceremony.minutes.page", i18n.Args{"name": s.Name, "n": strconv.Itoa(p.pdf.PageNo()), "total": "{nb}"})
		p.pdf.CellFormat(wide, 4, text, "", 0, "R", false, 0, "")
	})
	p.pdf.AddPage()
	var mine []entry
	for _, e := range d.record.entries {
		if e.Ceremony == s.Name && e.What != didClose {
			mine = append(mine, e)
		}
		if e.Hash == head {
			break
		}
	}
	p.top(s, mine, head, at)
	p.people(s)
	p.steps(s, mine)
	p.signatures(s)
	var out bytes.Buffer
	if err := p.pdf.Output(&out); err != nil {
		return nil, fmt.Errorf("minutes: %w", err)
	}
	return out.Bytes(), nil
}

func say(key string) i18n.Text {
	text, _ := i18n.Word("ceremony." + key)
	return text
}

// both is a label in both languages.
func both(key string) string {
	t := say(key)
	if t.EN == t.PT {
		return t.PT
	}
	return t.PT + " · " + t.EN
}

func (p *paper) font(size float64, bold bool) {
	weight := ""
	if bold {
		weight = "B"
	}
	p.pdf.SetFont(family, weight, size)
}

// text writes a paragraph. What the fonts lack is written as a code point: minutes leave nothing out.
func (p *paper) text(size float64, bold bool, text string) {
	p.font(size, bold)
	p.pdf.MultiCell(wide, size*0.5, printable(text), "", "L", false)
}

func printable(text string) string {
	if sheet.Printable(text) == nil {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if sheet.Printable(string(r)) == nil || r == ' ' {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "[%U]", r)
		}
	}
	return b.String()
}

func (p *paper) heading(key string) {
	p.room(24)
	p.pdf.Ln(4)
	p.text(head2, true, both(key))
	p.pdf.Ln(1)
}

// room begins a new page where that much does not fit any more, so that a heading never stands alone.
func (p *paper) room(high float64) {
	if p.pdf.GetY()+high > paperBottom {
		p.pdf.AddPage()
	}
}

// line writes a label and its value.
func (p *paper) line(label, value string) {
	p.font(small, false)
	left := p.pdf.SplitText(printable(label), labelWide-3)
	p.font(plain, false)
	right := p.pdf.SplitText(printable(value), wide-labelWide)
	high := max(float64(len(left))*3.6, float64(len(right))*4.4)
	p.room(high)
	y := p.pdf.GetY()
	p.font(small, false)
	p.pdf.SetTextColor(95, 101, 110)
	p.pdf.MultiCell(labelWide-3, 3.6, printable(label), "", "L", false)
	p.pdf.SetXY(edge+labelWide, y)
	p.font(plain, false)
	p.pdf.SetTextColor(26, 28, 32)
	p.pdf.MultiCell(wide-labelWide, 4.4, printable(value), "", "L", false)
	p.pdf.SetXY(edge, max(p.pdf.GetY(), y+high)+0.6)
}

func (p *paper) top(s *Script, mine []entry, head string, at time.Time) {
	p.text(head1, true, say("minutes.title").PT)
	p.text(plain, false, say("minutes.title").EN)
	p.pdf.Ln(2)
	p.line(both("minutes.body"), s.Body)
	p.line(both("minutes.place"), s.Place)
	for _, e := range mine {
		if e.What == didBegin {
			p.line(both("minutes.began"), e.At.Format(timeForm))
			p.line(both("fact.script"), e.Facts["script"])
			p.line(both("fact.version"), e.Facts["version"])
			p.line(both("fact.commit"), e.Facts["commit"])
		}
	}
	p.line(both("minutes.ended"), at.UTC().Format(timeForm))
	p.line(both("fact.record"), head)
}

func role(name string) string { return both("role." + name) }

func (p *paper) people(s *Script) {
	p.heading("minutes.people")
	for _, one := range s.People {
		value := one.Name
		if one.Office != "" {
			value += ", " + one.Office
		}
		p.line(role(one.Role), value)
	}
	p.line(both("fact.needed"), fmt.Sprintf("%d / %d", s.Needed, len(s.named(custodian))))
}

// steps tells each step with what came of it, what was tried and refused, and who opened the keys.
func (p *paper) steps(s *Script, mine []entry) {
	p.heading("minutes.steps")
	for i, one := range s.Steps {
		if one.Do == doClose {
			continue
		}
		p.room(18)
		p.pdf.Ln(1.5)
		args := i18n.Args{"of": one.Of, "by": one.By}
		p.text(plain, true, strconv.Itoa(i+1)+". "+i18n.Say(i18n.PT, "ceremony.do."+one.Do, args))
		p.text(small, false, i18n.Say(i18n.EN, "ceremony.do."+one.Do, args))
		p.pdf.Ln(0.6)
		for _, e := range mine {
			if e.Step == i+1 {
				p.entry(e)
			}
		}
	}
}

// factsTold are the facts in the order in which they are printed.
var factsTold = []string{
	"subject", "profile", "issuer", "algorithm", "keys", "order", "serial", "validity", "certificate", "request", "number", "until", "revoked", "list", "live", "reason", "lints", "copy",
}

func (p *paper) entry(e entry) {
	at := e.At.Format(timeForm)
	switch e.What {
	case didActivate:
		p.line(both("minutes.activated"), at+"  "+strings.Join(e.People, ", "))
	case didFail:
		p.line(both("minutes.failed"), at+"  "+e.Facts["why"])
	case didLose:
		p.line(both("minutes.lost"), at+"  "+e.Facts["serial_hex"])
	case didKey, didRequest:
		p.line(both("fact.key"), e.Subject)
		p.facts(e.Facts)
	case didIssue, didTake:
		for _, f := range (held{entry: e}).told() {
			p.line(both("fact."+f[0]), f[1])
		}
	case didList, didTakeList, didRevoke, didEnd:
		p.facts(e.Facts)
	case didDestroy:
		p.line(both("minutes.destroyed"), at+"  "+e.Subject)
		p.facts(e.Facts)
	case didStep:
		p.files(e.Files)
		p.line(both("minutes.confirmed"), at+"  "+strings.Join(e.People, ", "))
	}
}

// told is what the record itself says of a certificate.
func (h held) told() [][2]string {
	f := h.entry.Facts
	return [][2]string{
		{"subject", f["subject"]}, {"profile", f["profile"]}, {"issuer", f["by"]}, {"serial", f["serial_hex"]}, {"validity", f["validity"]},
		{"algorithm", f["algorithm"]}, {"keys", f["keys"]}, {"order", f["order"]},
		{"certificate", f["certificate"]}, {"lints", f["lints"]},
	}
}

func (p *paper) facts(facts map[string]string) {
	for _, key := range factsTold {
		if value := facts[key]; value != "" {
			p.line(both("fact."+key), value)
		}
	}
}

func (p *paper) files(files []fileDigest) {
	files = slices.Clone(files)
	for i, f := range files {
		label := ""
		if i == 0 {
			label = both("minutes.files")
		}
		p.line(label, f.Name+"\n"+f.SHA256)
	}
}

// signatures leaves room for everybody to sign on paper.
func (p *paper) signatures(s *Script) {
	p.heading("minutes.signatures")
	p.text(small, false, say("minutes.note").PT)
	p.text(small, false, say("minutes.note").EN)
	for _, one := range s.People {
		p.room(17)
		p.pdf.Ln(10)
		y := p.pdf.GetY()
		p.pdf.Line(edge+86, y, edge+wide, y)
		p.font(plain, true)
		p.pdf.Text(edge, y, printable(one.Name))
		p.font(small, false)
		p.pdf.Text(edge, y+4, role(one.Role))
		p.pdf.Text(edge+86, y+4, both("minutes.signed"))
		p.pdf.SetY(y + 5)
	}
}
