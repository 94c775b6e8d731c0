package ceremony

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"chancela/internal/durable"
	"chancela/internal/issuance"
)

// take takes in certificates that were signed elsewhere. Each is judged by the lints that it would have had to pass here,
// against the script's name and algorithm and the key that is ours; a root's is compared with the other side's minutes.
func (s *session) take(one Step) (plan, error) {
	subjects, err := s.script.subjects(one)
	if err != nil {
		return plan{}, err
	}
	var p plan
	var came []arrived
	for _, x := range subjects {
		if one.By != x.issuer {
			return p, fmt.Errorf("%s is certified by %s", x.name, x.issuer)
		}
		a, err := s.arrived(x, one)
		if err != nil {
			return p, fmt.Errorf("certificate of %s: %w", x.name, err)
		}
		came = append(came, a)
		p.shown = append(p.shown, a.draft.shown()...)
		p.shown = append(p.shown, [2]string{"certificate", sha(a.der)})
	}
	p.act = func() (made [][2]string, files []fileDigest, err error) {
		for _, a := range came {
			h, there, err := s.certificate(a.draft.subject.file)
			if err == nil && !there {
				if err = durable.Replace(s.at(outDir, a.draft.subject.file+".pem"), issuance.PEM(a.der)); err == nil {
					h, err = s.keep(didTake, a.draft, a.der, a.lints)
				}
			}
			if err != nil {
				return nil, nil, err
			}
			made, files = append(made, h.shown()...), append(files, h.entry.Files...)
		}
		return made, files, nil
	}
	return p, nil
}

// arrived is a certificate that came in and was judged.
type arrived struct {
	draft draft
	der   []byte
	lints int
}

func (s *session) arrived(x subject, one Step) (a arrived, err error) {
	path := s.at(inDir, x.file+".pem")
	if !isThere(path) {
		return a, &Waiting{path}
	}
	data, err := readFile(path)
	if err != nil {
		return a, err
	}
	if a.der, err = certificateDER(data); err != nil {
		return a, fmt.Errorf("%s: %w", path, err)
	}
	if a.draft, err = s.expected(x, a.der); err != nil {
		return a, fmt.Errorf("%s: %w", path, err)
	}
	report, err := s.linter.Accept(a.der, a.draft.order, a.draft.issuer, s.o.Now())
	if err != nil {
		return a, fmt.Errorf("%s: %w", path, err)
	}
	a.lints = report.Passed
	if x.profile == issuance.RootCA || one.SHA256 != "" { // nothing above a root vouches for it
		return a, s.compare(one, x.file+".pem", sha(a.der))
	}
	return a, nil
}

// expected is the order that the certificate must be of. The key is ours, where it was made here; of an authority whose
// key is elsewhere it is the certificate's own. Its end is its own too: another authority sets that, within the profile's
// and the issuer's bounds, which the lints hold.
func (s *session) expected(x subject, der []byte) (draft, error) {
	key, ours, err := s.publicKey(x.name)
	if err != nil {
		return draft{}, err
	}
	in, err := keyIn(der)
	switch {
	case err != nil:
		return draft{}, err
	case !ours:
		key = in
	case in.Fingerprint() != key.Fingerprint():
		return draft{}, errors.New("it is for another key than the one that was made here")
	}
	x.years = 0
	d, err := s.order(x, key)
	if err != nil || x.profile != issuance.CrossCA {
		return d, err
	}
	if own, there, err := s.certificate(x.name); err != nil || there && own.entry.Facts["keys"] != key.Fingerprint() {
		return d, errors.Join(err, errors.New("it is for another key than the root's"))
	}
	return d, nil
}

// takeList takes in the list of an authority whose key is elsewhere.
func (s *session) takeList(one Step) (plan, error) {
	path := s.at(inDir, one.Of+".crl")
	if !isThere(path) {
		return plan{}, &Waiting{path}
	}
	data, err := readFile(path)
	if err != nil {
		return plan{}, err
	}
	der, err := oneBlock(data, "X509 CRL")
	if err != nil {
		return plan{}, err
	}
	issuer, err := s.authorityOf(s.script, one.Of)
	if err != nil {
		return plan{}, err
	}
	list, report, err := s.linter.AcceptList(der, issuer)
	if err != nil {
		return plan{}, fmt.Errorf("%s: %w %v", path, err, report.Findings)
	}
	if !list.NextUpdate.After(s.o.Now()) {
		return plan{}, fmt.Errorf("%s has run out", path)
	}
	if one.SHA256 != "" && one.SHA256 != sha(der) {
		return plan{}, fmt.Errorf("%s has the SHA-256 %s; the script has %s", path, sha(der), one.SHA256)
	}
	last := list.NextUpdate.Equal(issuance.NoNextUpdate())
	if ended := s.record.hasEnded(one.Of); ended != last {
		if ended {
			return plan{}, fmt.Errorf("%s: %s has ended, and this is not its last list", path, one.Of)
		}
		return plan{}, fmt.Errorf("%s is a last list, and nobody ended %s here", path, one.Of)
	}
	p := plan{shown: listFacts(list, der)}
	p.act = func() ([][2]string, []fileDigest, error) {
		return nil, []fileDigest{{outDir + "/" + one.Of + ".crl", sha(der)}}, s.keepList(didTakeList, one.Of, list, der)
	}
	return p, nil
}

func listFacts(list *x509.RevocationList, der []byte) [][2]string {
	return [][2]string{
		{"number", list.Number.String()}, {"until", list.NextUpdate.UTC().Format(time.DateOnly)},
		{"revoked", fmt.Sprint(len(list.RevokedCertificateEntries))}, {"list", sha(der)},
	}
}

// keepList puts a list in its place and on record; an older one is refused.
func (s *session) keepList(what, issuer string, list *x509.RevocationList, der []byte) error {
	if s.lastNumber(issuer).Cmp(list.Number) > 0 {
		return fmt.Errorf("a list of %s with a higher number is here already", issuer)
	}
	if err := durable.Replace(s.at(outDir, issuer+".crl"), der); err != nil {
		return err
	}
	if e, there := s.record.last(what, issuer); there && e.Facts["list"] == sha(der) {
		return nil
	}
	return s.note(entry{What: what, Subject: issuer, Facts: map[string]string{
		"number": list.Number.String(), "until": list.NextUpdate.UTC().Format(time.DateOnly), "list": sha(der),
	},
		Files: []fileDigest{{outDir + "/" + issuer + ".crl", sha(der)}}})
}
