package ceremony

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"chancela/internal/ca"
	"chancela/internal/durable"
	"chancela/internal/issuance"
)

func (r *record) hasEnded(authority string) bool {
	_, ended := r.last(didEnd, authority)
	return ended
}

// goesOn refuses what an authority is to sign that has ended.
func (s *session) goesOn(authority string) error {
	if s.record.hasEnded(authority) {
		return fmt.Errorf("%s has ended, and signs nothing any more", authority)
	}
	return nil
}

// end ends an authority for good. Where its key is here, what it certified must not be in force any more, or is revoked
// for the reason given, and its last list is signed (nextUpdate 99991231235959Z, EN 319 411-1 §6.3.9). Of an authority
// that is online the decision is put on record here: its instance carries it out ([Dir.Endings]), and its last list comes
// in by the step that takes lists.
func (s *session) end(one Step) (plan, error) {
	if s.record.hasEnded(one.Of) && !s.endedBy(one) {
		return plan{}, fmt.Errorf("%s has ended already", one.Of)
	}
	h, there, err := s.certificate(one.Of)
	if err != nil || !there {
		return plan{}, errors.Join(err, fmt.Errorf("%s has no certificate here", one.Of))
	}
	a, _ := s.script.authority(one.Of)
	p := plan{shown: [][2]string{{"subject", h.entry.Facts["subject"]}, {"keys", h.entry.Facts["keys"]}}}
	if one.Reason != "" {
		p.shown = append(p.shown, [2]string{"reason", one.Reason})
	}
	if a.Online {
		p.act = func() ([][2]string, []fileDigest, error) { return nil, nil, s.noteEnd(one) }
		return p, nil
	}
	live, err := s.live(one.Of)
	if err != nil {
		return p, err
	}
	if len(live) > 0 && one.Reason == "" {
		return p, fmt.Errorf("%s has certificates in force: %s; revoke them before, or give the reason for which they are revoked with it", one.Of, strings.Join(filesOf(live), ", "))
	}
	p.shown = append(p.shown, [2]string{"live", strconv.Itoa(len(live))})
	p.act = func() ([][2]string, []fileDigest, error) { return s.endHere(one, live) }
	return p, nil
}

func filesOf(all []held) []string {
	var names []string
	for _, h := range all {
		names = append(names, h.file)
	}
	return names
}

// endedBy says whether it was this very step, before a crash, that ended the authority.
func (s *session) endedBy(one Step) bool {
	e, ended := s.record.last(didEnd, one.Of)
	return ended && e.Ceremony == s.script.Name && e.Step == s.n
}

func (s *session) noteEnd(one Step) error {
	if s.endedBy(one) {
		return nil
	}
	return s.note(entry{What: didEnd, Subject: one.Of, Facts: map[string]string{"reason": one.Reason}})
}

// endHere revokes what is in force, signs the last list, and puts the end on record behind it: until then nothing keeps
// the step from being done again.
func (s *session) endHere(one Step, live []held) ([][2]string, []fileDigest, error) {
	if s.endedBy(one) {
		return nil, nil, nil
	}
	if err := s.open(); err != nil {
		return nil, nil, err
	}
	for _, h := range live {
		if err := s.revokeHeld(h, one.Reason); err != nil {
			return nil, nil, err
		}
	}
	issuer, err := s.authorityOf(s.script, one.Of)
	if err != nil {
		return nil, nil, err
	}
	made, files, err := s.signList(one.Of, issuer, issuance.NoNextUpdate())
	if err != nil {
		return nil, nil, err
	}
	s.crash(strconv.Itoa(s.n) + ".listed")
	return made, files, s.noteEnd(one)
}

// live are the certificates that an authority signed here and that are in force, but for its own and its responders',
// which cannot be revoked (ocsp-nocheck) and speak for it until they run out.
func (s *session) live(authority string) ([]held, error) {
	var all []held
	for _, e := range s.record.of(didIssue) {
		if e.Facts["by"] != authority || e.Facts["profile"] == issuance.RootCA || e.Facts["profile"] == issuance.OCSPResponder {
			continue
		}
		if _, revoked := s.record.last(didRevoke, e.Subject); revoked {
			continue
		}
		h, err := s.read(e)
		if err != nil {
			return nil, err
		}
		cert, err := x509.ParseCertificate(h.certificate)
		if err != nil {
			return nil, err
		}
		if cert.NotAfter.After(s.o.Now()) {
			all = append(all, h)
		}
	}
	return all, nil
}

// destroy destroys the key of an ended authority whose last list is here. The minutes have the digest of a key's file, by
// which copies of it are known.
func (s *session) destroy(one Step) (plan, error) {
	e, listed := s.lastList(one.Of)
	if !s.record.hasEnded(one.Of) || !listed {
		return plan{}, fmt.Errorf("the key of %s is destroyed when it has ended and its last list is here; the steps end and, if it is online, take-list come before", one.Of)
	}
	key, made, err := s.publicKey(one.Of)
	if err != nil || !made {
		return plan{}, errors.Join(err, fmt.Errorf("the key of %s was not made here", one.Of))
	}
	p := plan{shown: [][2]string{{"key", one.Of}, {"keys", key.Fingerprint()}, {"list", e.Facts["list"]}}}
	p.act = func() ([][2]string, []fileDigest, error) { return nil, nil, s.destroyKey(one.Of, key) }
	return p, nil
}

// lastList finds the last list of an authority on record.
func (s *session) lastList(authority string) (entry, bool) {
	for i := len(s.record.entries) - 1; i >= 0; i-- {
		if e := s.record.entries[i]; (e.What == didList || e.What == didTakeList) && e.Subject == authority {
			der, err := readFile(s.at(outDir, authority+".crl"))
			if err != nil || sha(der) != e.Facts["list"] {
				return e, false
			}
			list, err := x509.ParseRevocationList(der)
			return e, err == nil && list.NextUpdate.Equal(issuance.NoNextUpdate())
		}
	}
	return entry{}, false
}

// destroyKey puts the destruction on record before it happens: a key that is there and counts as gone harms nobody, and
// the step done again destroys it.
func (s *session) destroyKey(name string, key issuance.Key) error {
	if err := s.open(); err != nil {
		return err
	}
	if _, noted := s.record.last(didDestroy, name); !noted {
		facts := map[string]string{"keys": key.Fingerprint()}
		if s.script.Keys.Kind == inFiles {
			data, err := readFile(s.at(keysDir, name+".key.json"))
			if err != nil {
				return err
			}
			facts["copy"] = "SHA-256 " + sha(data)
		}
		if err := s.note(entry{What: didDestroy, Subject: name, Facts: facts}); err != nil {
			return err
		}
	}
	s.crash(strconv.Itoa(s.n) + ".destroying")
	_, err := s.keys.Destroy(s.ctx, name)
	return err
}

// Endings are what the directory's ceremonies decided of authorities that are online, for their instance to carry out:
// it does so while the ceremony waits for the last list, and again when the key is destroyed here.
func (d *Dir) Endings() (all []Ended, err error) {
	for _, e := range d.record.of(didEnd) {
		script, err := d.Script(e.Ceremony)
		if err != nil {
			return nil, err
		}
		a, known := script.authority(e.Subject)
		if !known || !a.Online {
			continue
		}
		reason, revokes := reasons()[e.Facts["reason"]]
		_, destroyed := d.record.last(didDestroy, e.Subject)
		all = append(all, Ended{
			AuthorityEnd: ca.AuthorityEnd{Authority: e.Subject, Revokes: revokes, Reason: reason, Words: d.decided(script, e)}, KeyGone: destroyed,
		})
	}
	return all, nil
}

// Ended is the end of an authority that is online.
type Ended struct {
	ca.AuthorityEnd
	KeyGone bool // its key was destroyed before witnesses: the instance's copy is to go too
}

// decided says who decided an end, before whom.
func (d *Dir) decided(s *Script, e entry) string {
	words := fmt.Sprintf("Ended in the ceremony %s of %s, at %s, on %s; record SHA-256 %s.", s.Name, s.Body, s.Place, e.At.Format(timeForm), e.Hash)
	for _, began := range d.record.of(didBegin) {
		if began.Ceremony == e.Ceremony {
			words += " Present: " + strings.Join(began.People, ", ") + "."
		}
	}
	return words
}

// BringLastList puts the last list of an authority that is online where its ceremony awaits it, and says where.
func (d *Dir) BringLastList(authority string, der []byte) (string, error) {
	path := d.at(inDir, authority+".crl")
	return path, durable.Replace(path, der)
}
