package ceremony

import (
	"fmt"
	"strings"

	"chancela/internal/durable"
)

// minutesName is the file of a ceremony's minutes.
func minutesName(name string) string { return "ata-" + name + ".pdf" }

// close prints the minutes. The record's last digest stands in them, so that whoever holds the signed paper can tell
// whether the record was changed since.
func (s *session) close() (plan, error) {
	p := plan{shown: [][2]string{{"record", s.record.head()}}}
	head := s.record.head()
	p.act = func() ([][2]string, []fileDigest, error) {
		at := s.o.Now()
		pdf, err := s.minutes(s.script, head, at)
		if err != nil {
			return nil, nil, err
		}
		file := minutesName(s.script.Name)
		if err := durable.Replace(s.at(file), pdf); err != nil {
			return nil, nil, err
		}
		s.crash("minutes")
		return nil, nil, s.note(entry{What: didClose, Facts: map[string]string{"record": head, "made": at.UTC().Format(timeForm)},
			Files: []fileDigest{{file, sha(pdf)}}})
	}
	return p, nil
}

// Minutes prints a closed ceremony's minutes again, the same to the byte.
func (d *Dir) Minutes(name string) ([]byte, error) {
	script, err := d.Script(name)
	if err != nil {
		return nil, err
	}
	for _, e := range d.record.of(didClose) {
		if e.Ceremony != name {
			continue
		}
		at, err := parseTime(e.Facts["made"])
		if err != nil {
			return nil, err
		}
		pdf, err := d.minutes(script, e.Facts["record"], at)
		if err == nil && sha(pdf) != e.Files[0].SHA256 {
			err = fmt.Errorf("these minutes are not the ones on record (SHA-256 %s): they were printed by another version of the program", e.Files[0].SHA256)
		}
		return pdf, err
	}
	return nil, fmt.Errorf("the ceremony %s is not closed", name)
}

// summary is what an instance keeps of the ceremony beside each approval: who, when, and the digests by which the signed
// paper is found.
func (d *Dir) summary(s *Script, end entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Ceremony %s of %s, at %s.\n", s.Name, s.Body, s.Place)
	for _, e := range d.record.of(didBegin) {
		if e.Ceremony == s.Name {
			fmt.Fprintf(&b, "Began %s; script SHA-256 %s; program %s, commit %s.\n", e.At.Format(timeForm), e.Facts["script"], e.Facts["version"], e.Facts["commit"])
			fmt.Fprintf(&b, "Present: %s.\n", strings.Join(e.People, ", "))
		}
	}
	for _, e := range d.record.of(didActivate) {
		if e.Ceremony == s.Name {
			fmt.Fprintf(&b, "Keys opened by %s.\n", strings.Join(e.People, ", "))
		}
	}
	fmt.Fprintf(&b, "Closed %s; record SHA-256 %s; minutes SHA-256 %s.", end.At.Format(timeForm), end.Hash, end.Files[0].SHA256)
	return b.String()
}
