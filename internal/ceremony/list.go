package ceremony

import (
	"crypto/x509"
	"fmt"
	"math/big"
	"strconv"
	"time"

	"chancela/internal/issuance"
)

// revoke ends a certificate that was signed here. It counts from now; the world hears of it by the next list.
func (s *session) revoke(one Step) (plan, error) {
	subjects, err := s.script.subjects(one)
	if err != nil {
		return plan{}, err
	}
	var p plan
	var all []held
	for _, x := range subjects {
		h, there, err := s.certificate(x.file)
		if err != nil {
			return p, err
		}
		if !there || h.entry.What != didIssue || h.issuer != one.By || h.profile == issuance.RootCA {
			return p, fmt.Errorf("no certificate of %s was signed by %s here that could be revoked", x.name, one.By)
		}
		all = append(all, h)
		p.shown = append(p.shown, h.shown()...)
	}
	if err := s.goesOn(one.By); err != nil {
		return p, err
	}
	p.shown = append(p.shown, [2]string{"reason", one.Reason})
	p.act = func() ([][2]string, []fileDigest, error) {
		for _, h := range all {
			if err := s.revokeHeld(h, one.Reason); err != nil {
				return nil, nil, err
			}
		}
		return nil, nil, nil
	}
	return p, nil
}

// revokeHeld puts a revocation on record, once.
func (s *session) revokeHeld(h held, reason string) error {
	if _, already := s.record.last(didRevoke, h.file); already {
		return nil
	}
	return s.note(entry{What: didRevoke, Subject: h.file, Facts: map[string]string{"serial_hex": h.serial.Text(16), "by": h.issuer, "reason": reason}})
}

// lastNumber is the highest number of an authority's lists that may have been signed.
func (s *session) lastNumber(issuer string) *big.Int {
	last := new(big.Int)
	for _, e := range s.record.entries {
		if e.Subject != listOf+issuer && e.Subject != issuer {
			continue
		}
		if n, ok := new(big.Int).SetString(e.Facts["number"], 10); ok && n.Cmp(last) > 0 {
			last = n
		}
	}
	return last
}

// listOf begins the subject of an intent to sign a list.
const listOf = "list/"

// defaultDays that a list is good for, where the script does not say: an offline authority's next ceremony comes before.
const defaultDays = 180

// list signs an authority's revocation list.
func (s *session) list(one Step) (plan, error) {
	issuer, err := s.authorityOf(s.script, one.Of)
	if err != nil {
		return plan{}, err
	}
	a, _ := s.script.authority(one.Of)
	if a.Online {
		return plan{}, fmt.Errorf("%s is online: the instance makes its lists by itself, every day", one.Of)
	}
	if err := s.goesOn(one.Of); err != nil {
		return plan{}, err
	}
	days := one.Days
	if days == 0 {
		days = defaultDays
	}
	_, revoked, err := s.entries(one.Of)
	if err != nil {
		return plan{}, err
	}
	p := plan{shown: [][2]string{{"issuer", one.Of}, {"revoked", strconv.Itoa(revoked)}}}
	p.act = func() ([][2]string, []fileDigest, error) {
		if err := s.open(); err != nil {
			return nil, nil, err
		}
		return s.signList(one.Of, issuer, s.o.Now().UTC().Truncate(time.Second).AddDate(0, 0, days))
	}
	return p, nil
}

// signList signs a list that is good until a day; a last one, where that is [issuance.NoNextUpdate].
func (s *session) signList(name string, issuer *issuance.Issuer, until time.Time) ([][2]string, []fileDigest, error) {
	said, _, err := s.entries(name)
	if err != nil {
		return nil, nil, err
	}
	number := new(big.Int).Add(s.lastNumber(name), big.NewInt(1))
	now := s.o.Now().UTC().Truncate(time.Second)
	unsigned, err := issuance.PrepareList(issuance.List{
		Number: number, ThisUpdate: now, NextUpdate: until, Entries: said, Last: until.Equal(issuance.NoNextUpdate()),
	}, issuer)
	if err != nil {
		return nil, nil, err
	}
	linted, report, err := s.linter.Lint(unsigned)
	if err != nil {
		return nil, nil, fmt.Errorf("%w %+v", err, report.Findings)
	}
	if err := s.note(entry{What: didIntend, Subject: listOf + name, Facts: map[string]string{"number": number.String(), "tbs": linted.Hash()}}); err != nil {
		return nil, nil, err
	}
	s.crash(strconv.Itoa(s.n) + ".intended")
	signer, err := s.keys.Open(s.ctx, name)
	if err != nil {
		return nil, nil, err
	}
	der, err := issuance.Sign(signer, linted)
	if err != nil {
		return nil, nil, err
	}
	s.crash(strconv.Itoa(s.n) + ".signed")
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, nil, err
	}
	return listFacts(list, der), []fileDigest{{outDir + "/" + name + ".crl", sha(der)}}, s.keepList(didList, name, list, der)
}
