package status

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"chancela/internal/ca"
	"chancela/internal/fault"
)

// File is bytes that are served as they are, whole.
type File struct {
	DER      []byte
	ETag     string // of exactly these bytes, in quotes
	Modified time.Time
	Until    time.Time // when newer ones come; zero for never
}

// lists keeps each list in force: megabytes are read from the record once a list.
type lists struct {
	mu   sync.Mutex
	kept map[string]numbered
}

type numbered struct {
	number int64
	file   File
}

func newLists() *lists { return &lists{kept: map[string]numbered{}} }

// stillTrue bounds how long a list is given out while the database does not answer: nobody could revoke meanwhile, but
// whoever is cut off alone cannot know.
const stillTrue = time.Hour

// List is a revocation list in force, DER, by its name: NotFound where there is no such list, Unavailable where it has
// run out. It is whole and the newest: where a newer one is there and cannot be read, none is given (attack line: the
// old list stays when the new one fails to load).
func (s *Service) List(ctx context.Context, name string) (File, error) {
	number, asOf, err := s.c.CA.ListNumber(ctx, name)
	if err != nil {
		return File{}, err
	}
	now := s.c.CA.Now()
	s.lists.mu.Lock()
	k, ok := s.lists.kept[name]
	s.lists.mu.Unlock()
	if ok && k.number >= number && now.Before(k.file.Until) && now.Sub(asOf) < stillTrue {
		return k.file, nil
	}
	l, err := s.c.CA.List(ctx, name)
	if err != nil {
		return File{}, err
	}
	f := File{DER: l.DER, ETag: etag(l.DER), Modified: l.ThisUpdate.UTC().Truncate(time.Second), Until: l.NextUpdate}
	s.lists.mu.Lock()
	defer s.lists.mu.Unlock()
	if s.lists.kept[name].number <= l.Number { // never an older one for a newer
		s.lists.kept[name] = numbered{l.Number, f}
	}
	return f, nil
}

// Certificate is an issuer's own certificate, or a cross-certificate of one, DER.
func (s *Service) Certificate(ctx context.Context, issuer string) (File, error) {
	for _, a := range s.c.CA.Authorities() {
		if a.Name == issuer {
			return File{DER: a.Certificate, ETag: etag(a.Certificate), Modified: a.NotBefore.UTC()}, nil
		}
	}
	crosses, err := s.c.CA.Crosses(ctx)
	if err != nil {
		return File{}, err
	}
	for _, x := range crosses {
		if x.Name == issuer {
			return File{DER: x.Certificate, ETag: etag(x.Certificate), Modified: x.NotBefore.UTC()}, nil
		}
	}
	return File{}, fault.New(fault.NotFound, "fault.not-found")
}

func etag(data []byte) string {
	sum := sha256.Sum256(data)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// Issuer is one of our authorities, as the page of issuers shows it and machines read it.
type Issuer struct {
	Name        string    `json:"name"`
	Root        bool      `json:"root"`
	Subject     string    `json:"subject"`
	Serial      string    `json:"serial"`
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	Fingerprint string    `json:"sha256"`
	Certificate string    `json:"certificate"` // address
	CRL         string    `json:"crl"`
	OCSP        string    `json:"ocsp"`
	CPS         string    `json:"cps,omitempty"`
	Standing    Place     `json:"standing"`
}

// Place is where an issuer stands among the others of the instance. The words are web.pki.standing.*.
type Place string

// The places. Whatever it is, an issuer's list and OCSP answer for what it issued.
const (
	InForce  Place = "in-force" // certificates come from it
	Previous Place = "previous" // another has taken its place
	Offline  Place = "offline"  // its key is in no machine that is on
	Ended    Place = "expired"
	Withdraw Place = "revoked"
	Finished Place = "ended" // people ended it, and its last list stands
)

// placeOf says where an authority stands now.
func placeOf(a ca.Authority, now time.Time) Place {
	switch {
	case a.State == ca.Revoked:
		return Withdraw
	case now.After(a.NotAfter):
		return Ended
	case a.Ended:
		return Finished
	case a.Offline:
		return Offline
	case a.Root || a.Issues:
		return InForce
	}
	return Previous
}

// Cross is a cross-certificate: one of our roots, certified by another.
type Cross struct {
	Name        string    `json:"name"`
	Issuer      string    `json:"issuer"` // name of the root that certifies
	Subject     string    `json:"subject"`
	Serial      string    `json:"serial"`
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	Fingerprint string    `json:"sha256"`
	Certificate string    `json:"certificate"` // address
	Standing    Place     `json:"standing"`
}

// Crosses are our cross-certificates.
func (s *Service) Crosses(ctx context.Context) ([]Cross, error) {
	found, err := s.c.CA.Crosses(ctx)
	all := make([]Cross, 0, len(found))
	for _, x := range found {
		one := Cross{
			Name: x.Name, Issuer: x.Issuer, Subject: x.Subject, Serial: x.Serial.String(), NotBefore: x.NotBefore.UTC(), NotAfter: x.NotAfter.UTC(),
			Fingerprint: x.Fingerprint, Certificate: x.Address, Standing: InForce,
		}
		switch {
		case x.State == ca.Revoked:
			one.Standing = Withdraw
		case s.c.CA.Now().After(x.NotAfter):
			one.Standing = Ended
		}
		all = append(all, one)
	}
	return all, err
}

// Issuers are our authorities, the roots first.
func (s *Service) Issuers(context.Context) ([]Issuer, error) {
	var all []Issuer
	for _, a := range s.c.CA.Authorities() {
		one := issuerOf(a)
		one.Standing = placeOf(a, s.c.CA.Now())
		all = append(all, one)
	}
	return all, nil
}

func issuerOf(a ca.Authority) Issuer {
	return Issuer{
		Name: a.Name, Root: a.Root, Subject: a.Subject, Serial: a.Serial.String(), NotBefore: a.NotBefore.UTC(), NotAfter: a.NotAfter.UTC(),
		Fingerprint: a.Fingerprint, Certificate: a.CAIssuers, CRL: a.CRL, OCSP: a.OCSP, CPS: a.CPS,
	}
}
