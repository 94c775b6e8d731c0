package ceremony

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"time"

	"chancela/internal/durable"
	"chancela/internal/issuance"
)

// request writes key requests, to be taken to whoever signs the certificates.
func (s *session) request(one Step) (plan, error) {
	subjects, err := s.script.subjects(one)
	if err != nil {
		return plan{}, err
	}
	var p plan
	for _, x := range subjects {
		key, made, err := s.publicKey(x.name)
		if err != nil {
			return p, err
		}
		if !made {
			return p, fmt.Errorf("the key %s was not made here; a step key comes before", x.name)
		}
		p.shown = append(p.shown, [2]string{"key", x.name}, [2]string{"keys", key.Fingerprint()})
	}
	p.act = func() (made [][2]string, files []fileDigest, err error) {
		if err := s.open(); err != nil {
			return nil, nil, err
		}
		for _, x := range subjects {
			file, digest, err := s.writeRequest(x)
			if err != nil {
				return nil, nil, fmt.Errorf("request of %s: %w", x.name, err)
			}
			made, files = append(made, [2]string{"request", digest}), append(files, file)
		}
		return made, files, nil
	}
	return p, nil
}

func requestFile(x subject) string { return x.name + ".request.pem" }

func (s *session) writeRequest(x subject) (file fileDigest, digest string, err error) {
	p, err := issuance.ProfileOf(x.profile)
	if err != nil {
		return file, "", err
	}
	name, err := p.Name(x.values)
	if err != nil {
		return file, "", err
	}
	signer, err := s.keys.Open(s.ctx, x.name)
	if err != nil {
		return file, "", err
	}
	der, err := issuance.MakeRequest(signer, name)
	if err != nil {
		return file, "", err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	if err := durable.Replace(s.at(outDir, requestFile(x)), text); err != nil {
		return file, "", err
	}
	file = fileDigest{outDir + "/" + requestFile(x), sha(text)}
	return file, sha(der), s.note(entry{What: didRequest, Subject: x.name, Facts: map[string]string{"request": sha(der)}, Files: []fileDigest{file}})
}

// draft is a certificate that is about to be signed.
type draft struct {
	subject subject
	order   issuance.Order
	der     []byte // the order, encoded
	issuer  *issuance.Issuer
	key     issuance.Key
}

// certify signs certificates: of keys that were made here, or of requests that came in.
func (s *session) certify(one Step) (plan, error) {
	subjects, err := s.script.subjects(one)
	if err != nil {
		return plan{}, err
	}
	var drafts []draft
	var p plan
	for _, x := range subjects {
		if one.By != x.issuer {
			return p, fmt.Errorf("%s is certified by %s", x.name, x.issuer)
		}
		if err := s.goesOn(one.By); err != nil {
			return p, err
		}
		d, err := s.draft(x, one)
		if err != nil {
			return p, fmt.Errorf("certificate of %s: %w", x.name, err)
		}
		drafts = append(drafts, d)
		p.shown = append(p.shown, d.shown()...)
	}
	p.act = func() (made [][2]string, files []fileDigest, err error) {
		if err := s.open(); err != nil {
			return nil, nil, err
		}
		for _, d := range drafts {
			h, err := s.issue(d)
			if err != nil {
				return nil, nil, fmt.Errorf("certificate of %s: %w", d.subject.name, err)
			}
			made = append(made, h.shown()...)
			files = append(files, h.entry.Files...)
		}
		return made, files, nil
	}
	return p, nil
}

func (d draft) shown() [][2]string {
	return [][2]string{
		{"subject", d.order.Subject.String()}, {"profile", d.subject.profile}, {"issuer", d.subject.issuer}, {"algorithm", string(d.key.Algorithm)},
		{"keys", d.key.Fingerprint()}, {"order", sha(d.der)},
	}
}

func (h held) shown() [][2]string {
	d, err := issuance.Describe(h.certificate)
	if err != nil {
		return nil
	}
	return [][2]string{
		{"subject", d.Subject.String()}, {"serial", d.Serial}, {"validity", h.entry.Facts["validity"]},
		{"keys", h.entry.Facts["keys"]}, {"certificate", sha(h.certificate)}, {"lints", h.entry.Facts["lints"]},
	}
}

func span(c *x509.Certificate) string {
	return c.NotBefore.UTC().Format(timeForm) + " – " + c.NotAfter.UTC().Format(timeForm)
}

// draft makes the order that is approved.
func (s *session) draft(x subject, one Step) (draft, error) {
	key, err := s.keyOf(x, one)
	if err != nil {
		return draft{}, err
	}
	return s.order(x, key)
}

// order puts together what shall be certified, and who certifies it.
func (s *session) order(x subject, key issuance.Key) (draft, error) {
	d := draft{subject: x, key: key}
	if key.Algorithm != x.algorithm {
		return d, fmt.Errorf("the key is %s; the script has %s", key.Algorithm, x.algorithm)
	}
	p, err := issuance.ProfileOf(x.profile)
	if err != nil {
		return d, err
	}
	name, err := p.Name(x.values)
	if err != nil {
		return d, err
	}
	until, err := s.until(x)
	if err != nil {
		return d, err
	}
	if d.order, err = p.Order(name, nil, nil, key, until); err != nil {
		return d, err
	}
	if d.der, err = d.order.Encode(); err != nil {
		return d, err
	}
	if x.profile == issuance.RootCA {
		d.issuer, err = issuance.SelfIssuer(d.order, s.script.urls(x.name), s.script.trust())
	} else {
		d.issuer, err = s.authorityOf(s.script, x.issuer)
	}
	return d, err
}

// until is the end that the script sets, counted from the day of the ceremony's beginning, so that the order is the same
// after an interruption, and never past its issuer's; zero for the profile's own term.
func (s *session) until(x subject) (time.Time, error) {
	if x.years == 0 {
		return time.Time{}, nil
	}
	began := s.o.Now()
	for _, e := range s.record.of(didBegin) {
		if e.Ceremony == s.script.Name {
			began = e.At
		}
	}
	until := began.UTC().Truncate(24*time.Hour).AddDate(x.years, 0, 0).Add(-time.Second)
	if x.profile == issuance.RootCA {
		return until, nil
	}
	h, there, err := s.certificate(x.issuer)
	if err != nil || !there {
		return until, err
	}
	cert, err := x509.ParseCertificate(h.certificate)
	if err == nil && cert.NotAfter.Before(until) {
		until = cert.NotAfter
	}
	return until, err
}

// keyOf is the key that is certified: made here, or of a root that was taken, or in a request that came in.
func (s *session) keyOf(x subject, one Step) (issuance.Key, error) {
	key, made, err := s.publicKey(x.name)
	if err != nil || made {
		return key, err
	}
	if x.profile == issuance.CrossCA {
		h, there, err := s.certificate(x.name)
		if err != nil {
			return key, err
		}
		if there {
			return keyIn(h.certificate)
		}
	}
	path := s.at(inDir, requestFile(x))
	if !isThere(path) {
		return key, &Waiting{path}
	}
	data, err := readFile(path)
	if err != nil {
		return key, err
	}
	r, err := issuance.ParseRequest(data)
	if err != nil {
		return key, fmt.Errorf("%s: %w", path, err)
	}
	if err := s.asked(x, r); err != nil {
		return key, fmt.Errorf("%s: %w", path, err)
	}
	der, err := oneBlock(data, "CERTIFICATE REQUEST")
	if err != nil {
		return key, err
	}
	return r.Key, s.compare(one, requestFile(x), sha(der))
}

// asked holds a request's name against the script's.
func (s *session) asked(x subject, r issuance.Request) error {
	p, err := issuance.ProfileOf(x.profile)
	if err != nil {
		return err
	}
	name, err := p.Name(x.values)
	if err != nil {
		return err
	}
	if r.Subject != name.String() || len(r.DNSNames)+len(r.Emails) > 0 || r.Other {
		return fmt.Errorf("it asks for %q; the script has %q", r.Subject, name.String())
	}
	return nil
}

// compare has what came in compared with what the other side's minutes say: by the script, where that was known when it
// was written, else by whoever types it. What was compared once is not asked again.
func (s *session) compare(one Step, what, digest string) error {
	if one.SHA256 != "" {
		if one.SHA256 != digest {
			return fmt.Errorf("%s has the SHA-256 %s; the script has %s", what, digest, one.SHA256)
		}
		return nil
	}
	if s.record.compared(s.script.Name, what, digest) {
		return nil
	}
	const typed = 16
	for range tries {
		answer, err := s.talk.ask("digest", "what", what)
		if err != nil {
			return err
		}
		if answer == digest[:typed] || answer == digest {
			return s.note(entry{What: didCompare, Subject: what, Facts: map[string]string{"digest": digest}})
		}
		s.talk.say("digest.other")
	}
	return fmt.Errorf("%s is not what the other side's minutes say: its SHA-256 is %s", what, digest)
}

// compared says whether those who are there compared exactly that already.
func (r *record) compared(ceremony, what, digest string) bool {
	e, ok := r.last(didCompare, what)
	return ok && e.Ceremony == ceremony && e.Facts["digest"] == digest
}

func keyIn(certificate []byte) (issuance.Key, error) {
	cert, err := x509.ParseCertificate(certificate)
	if err != nil {
		return issuance.Key{}, err
	}
	return issuance.ReadKey(cert.RawSubjectPublicKeyInfo)
}

// issue signs one certificate: the serial number and what will be signed are on record before the key is used. A crash
// behind that leaves a number that may have been signed: if the file is not there it is lost, goes on the list, and the
// certificate gets another number.
func (s *session) issue(d draft) (held, error) {
	if h, there, err := s.certificate(d.subject.file); err != nil || there {
		return h, err
	}
	if h, found, err := s.left(d); err != nil || found {
		return h, err
	}
	serial, err := issuance.NewSerial()
	if err != nil {
		return held{}, err
	}
	unsigned, err := issuance.Prepare(d.order, d.issuer, serial, s.o.Now().Add(d.subject.after))
	if err != nil {
		return held{}, err
	}
	linted, report, err := s.linter.Lint(unsigned)
	if err != nil {
		return held{}, fmt.Errorf("%w %+v", err, report.Findings)
	}
	err = s.note(entry{What: didIntend, Subject: d.subject.file, Facts: map[string]string{
		"serial_hex": serial.Text(16), "tbs": linted.Hash(), "by": d.subject.issuer, "order": sha(d.der), "lints": strconv.Itoa(report.Passed),
	}})
	if err != nil {
		return held{}, err
	}
	s.crash(strconv.Itoa(s.n) + ".intended")
	signer, err := s.keys.Open(s.ctx, d.subject.issuer)
	if err != nil {
		return held{}, err
	}
	der, err := issuance.Sign(signer, linted)
	if err != nil {
		return held{}, err
	}
	s.crash(strconv.Itoa(s.n) + ".signed")
	if err := durable.Replace(s.at(outDir, d.subject.file+".pem"), issuance.PEM(der)); err != nil {
		return held{}, err
	}
	s.crash(strconv.Itoa(s.n) + ".written")
	return s.keep(didIssue, d, der, report.Passed)
}

// left looks at what a crash left of this certificate: a whole one is taken up, a lost one is closed.
func (s *session) left(d draft) (held, bool, error) {
	intended, there := s.record.last(didIntend, d.subject.file)
	if !there {
		return held{}, false, nil
	}
	if lost, closed := s.record.last(didLose, d.subject.file); closed && lost.N > intended.N {
		return held{}, false, nil
	}
	if data, err := readFile(s.at(outDir, d.subject.file+".pem")); err == nil {
		der, err := certificateDER(data)
		if err == nil && serialIs(der, intended.Facts["serial_hex"]) {
			if report, err := s.linter.Accept(der, d.order, d.issuer, s.o.Now()); err == nil {
				h, err := s.keep(didIssue, d, der, report.Passed)
				return h, err == nil, err
			}
		}
	}
	return held{}, false, s.note(entry{What: didLose, Subject: d.subject.file, Facts: map[string]string{
		"serial_hex": intended.Facts["serial_hex"], "by": intended.Facts["by"],
	}})
}

func serialIs(der []byte, hex string) bool {
	cert, err := x509.ParseCertificate(der)
	serial, ok := new(big.Int).SetString(hex, 16)
	return err == nil && ok && cert.SerialNumber.Cmp(serial) == 0
}

// keep puts a certificate on record.
func (s *session) keep(what string, d draft, der []byte, lints int) (held, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return held{}, err
	}
	file := fileDigest{outDir + "/" + d.subject.file + ".pem", sha(issuance.PEM(der))}
	describes, err := issuance.Describe(der)
	if err != nil {
		return held{}, err
	}
	err = s.note(entry{What: what, Subject: d.subject.file, Files: []fileDigest{file}, Facts: map[string]string{
		"name": d.subject.name, "by": d.subject.issuer, "profile": d.subject.profile, "serial_hex": cert.SerialNumber.Text(16), "certificate": sha(der),
		"keys": d.key.Fingerprint(), "order_der": base64Of(d.der), "order": sha(d.der), "lints": strconv.Itoa(lints),
		"subject": describes.Subject.String(), "validity": span(cert), "algorithm": describes.Key,
		"slot": d.subject.slot, "generation": strconv.FormatInt(d.subject.generation, 10),
	}})
	if err != nil {
		return held{}, err
	}
	h, there, err := s.certificate(d.subject.file)
	if err == nil && !there {
		err = errors.New("what was put on record is not there")
	}
	return h, err
}
