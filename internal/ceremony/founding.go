package ceremony

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"chancela/internal/ca"
	"chancela/internal/issuance"
)

// Founding is what the directory's ceremonies made, as an instance takes it on, and the files of the keys that it needs
// (none where keys are in a module). The last ceremony must be closed.
func (d *Dir) Founding() (f ca.Founding, keys map[string][]byte, err error) {
	next, err := d.Next()
	switch {
	case err != nil:
		return f, nil, err
	case len(d.record.of(didClose)) == 0:
		return f, nil, errors.New("no ceremony was held here")
	case next != "" && d.record.hasBegun(next):
		return f, nil, fmt.Errorf("the ceremony %s is not closed", next)
	}
	ends := d.record.of(didClose)
	end := ends[len(ends)-1]
	script, err := d.Script(end.Ceremony)
	if err != nil {
		return f, nil, err
	}
	f = ca.Founding{Ceremony: end.Ceremony, Digest: end.Hash, Minutes: d.summary(script, end), Address: script.Address, Plan: script.plan(end.Ceremony)}
	keys = map[string][]byte{}
	for _, e := range d.record.entries {
		if e.What != didIssue && e.What != didTake {
			continue
		}
		made, online, err := d.made(script, e)
		if err != nil {
			return f, nil, fmt.Errorf("%s: %w", e.Subject, err)
		}
		f.Made = append(f.Made, made)
		if online && script.Keys.Kind == inFiles {
			if keys[made.Name], err = readFile(d.at(keysDir, made.Name+".key.json")); err != nil {
				return f, nil, err
			}
		}
	}
	f.Lists, err = d.lists(script)
	return f, keys, err
}

func (r *record) hasBegun(ceremony string) bool {
	_, begun := r.begun(ceremony)
	return begun
}

// made is one certificate of the record. Its key goes along if it was made here and its authority is online; responders
// always are.
func (d *Dir) made(script *Script, e entry) (m ca.Made, online bool, err error) {
	h, err := d.read(e)
	if err != nil {
		return m, false, err
	}
	_, ours, err := d.publicKey(h.subject)
	if err != nil {
		return m, false, err
	}
	m = ca.Made{Name: h.subject, Slot: e.Facts["slot"], Issuer: h.issuer, Order: h.order, Certificate: h.certificate}
	if m.Generation, err = strconv.ParseInt(e.Facts["generation"], 10, 64); err != nil {
		return m, false, err
	}
	_, gone := d.record.last(didDestroy, h.subject)
	online = ours && !gone
	if a, known := script.authority(h.subject); known {
		online = online && a.Online
		m.Profiles = a.Profiles
	}
	if h.profile == issuance.CrossCA {
		m.Name, online = h.file, false
	}
	m.Offline = !online
	return m, online, nil
}

// lists are the newest lists of the authorities whose keys are elsewhere.
func (d *Dir) lists(script *Script) ([][]byte, error) {
	var all [][]byte
	var seen []string
	for i := len(d.record.entries) - 1; i >= 0; i-- {
		e := d.record.entries[i]
		if e.What != didList && e.What != didTakeList || slices.Contains(seen, e.Subject) {
			continue
		}
		seen = append(seen, e.Subject)
		if a, _ := script.authority(e.Subject); a.Online {
			continue
		}
		der, err := readFile(d.at(outDir, e.Subject+".crl"))
		if err != nil {
			return nil, err
		}
		if sha(der) != e.Facts["list"] {
			return nil, fmt.Errorf("%s/%s.crl is not the one on record", outDir, e.Subject)
		}
		all = append(all, der)
	}
	return all, nil
}

// plan is what the instance makes by itself below what was founded.
func (s *Script) plan(ceremony string) ca.Plan {
	p := ca.Plan{
		Algorithm: issuance.Algorithm(s.Algorithm), Minutes: "By the plan of the ceremony " + ceremony + ".",
		Unit: ca.UnitPlan{Name: s.Unit.Name, Organization: s.Unit.Organization, NIPC: s.Unit.Number, CommonName: s.Unit.CommonName},
	}
	for _, a := range slices.Concat(s.earlier, s.Authorities) {
		if a.Online {
			p.Authorities = append(p.Authorities, ca.AuthorityPlan{
				Name: a.Name, Organization: a.Organization, Unit: a.Unit, CommonName: a.CommonName, Responder: a.Responder, Algorithm: issuance.Algorithm(a.Algorithm),
			})
		}
	}
	for _, one := range s.Seals {
		p.Seals = append(p.Seals, ca.SealPlan{Portal: one.Portal, Body: one.Body, NIPC: one.Number, CommonName: one.CommonName})
	}
	return p
}

// Activate has custodians open the keys, and gives what opens them for an instance that uses them: the passphrase of the
// key files, or the token's PIN. It is put on record.
func (d *Dir) Activate(t *Talk) ([]byte, error) {
	c, there, err := d.custody()
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, errors.New("nobody keeps the keys of this directory yet")
	}
	secret, people, err := d.activate(t, c)
	if err != nil {
		return nil, err
	}
	ends := d.record.entries
	err = d.record.add(entry{At: d.o.Now(), Ceremony: ends[len(ends)-1].Ceremony, What: didActivate, People: people})
	if err != nil {
		return nil, err
	}
	if !isThere(d.at(pinFile)) {
		return secret.passphrase()
	}
	data, err := readFile(d.at(pinFile))
	if err != nil {
		return nil, err
	}
	pin, err := secret.openPIN(data)
	return []byte(pin), err
}

// State is how far a ceremony is.
type State struct {
	Name   string
	Done   int
	Steps  int
	Closed bool
	Head   string // digest of the whole record
	Next   string // verb and subject of the next step; "" for none
}

// Status says how far each ceremony of the directory is. Reading it has checked the whole record's chain, and every file
// on record is compared with its digest.
func (d *Dir) Status() (all []State, err error) {
	names, err := d.Scripts()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		script, err := d.Script(name)
		if err != nil {
			return all, err
		}
		one := State{Name: name, Steps: len(script.Steps), Closed: d.record.closed(name), Head: d.record.head()}
		for i, step := range script.Steps {
			if d.record.done(name, i+1) {
				one.Done++
			} else if one.Next == "" {
				one.Next = strings.TrimSpace(step.Do + " " + step.Of)
			}
		}
		all = append(all, one)
		if !one.Closed {
			break // the next one may stand on this one
		}
	}
	for _, e := range d.record.entries {
		if e.What == didIssue || e.What == didTake {
			if _, err := d.read(e); err != nil {
				return all, err
			}
		}
	}
	return all, nil
}
