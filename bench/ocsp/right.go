package main

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/ocsp"

	"chancela/bench/known"
	"chancela/bench/load"
)

// right says whether some answers say what they should, as another implementation reads and verifies them.
func right(address string, s *site, all [][]byte, about []known.Certificate) error {
	a := &load.Asker{Address: address}
	defer a.Close()
	revoked := 0
	for i, request := range all {
		want := ocsp.Good
		if about[i].Revoked {
			want, revoked = ocsp.Revoked, revoked+1
		}
		if i > 20 && want == ocsp.Good || revoked > 20 {
			continue
		}
		body, err := a.Ask(request)
		if err != nil {
			return err
		}
		r, err := ocsp.ParseResponse(body, s.issuer)
		if err != nil {
			return fmt.Errorf("%s about %x: %w", s.name, about[i].Serial, err)
		}
		if r.Status != want || r.SerialNumber.Cmp(about[i].Serial) != 0 {
			return fmt.Errorf("%s answers wrongly about %x", s.name, about[i].Serial)
		}
	}
	if revoked == 0 {
		return errors.New("nothing that is revoked was asked about")
	}
	return nil
}
