package main

import (
	"context"
	"errors"
	"time"

	"golang.org/x/crypto/ocsp"

	"chancela/bench/known"
	"chancela/bench/load"
)

// sightings is how many revocations are waited for.
const sightings = 10

// seen is how long it takes, in seconds, until a process that runs answers revoked of what another one has revoked: from
// the return of that one's commit, each time at another moment between two looks at the record. It gives the median and
// the most.
func seen(ctx context.Context, s *site, filled *known.Filled) (middle, most float64, err error) {
	a := &load.Asker{Address: s.child.Address}
	defer a.Close()
	var all []float64
	for i, c := range filled.Some {
		if c.Revoked || len(all) == sightings {
			continue
		}
		<-time.After(time.Duration(len(all)) * 137 * time.Millisecond)
		if err := filled.Revoke(ctx, c); err != nil {
			return 0, 0, err
		}
		begin := time.Now()
		for {
			body, err := a.Ask(s.asked[get][i])
			if err != nil {
				return 0, 0, err
			}
			r, err := ocsp.ParseResponse(body, s.issuer)
			if err != nil {
				return 0, 0, err
			}
			if r.Status == ocsp.Revoked {
				break
			}
			if time.Since(begin) > time.Minute {
				return 0, 0, errors.New("a revocation by another process was not seen within a minute")
			}
			<-time.After(2 * time.Millisecond)
		}
		took := time.Since(begin).Seconds()
		all, most = append(all, took), max(most, took)
	}
	return median(all), most, nil
}
