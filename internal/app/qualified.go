package app

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"chancela/internal/ca"
	"chancela/internal/issuance"
	"chancela/internal/issuance/trustlist"
)

// listing is the trusted list of an instance that is declared qualified, as it was last read.
type listing struct {
	path    string
	signers []*x509.Certificate
	now     func() time.Time

	mu   sync.Mutex
	list trustlist.List
	err  error
}

// declared makes what certificates of the instance may claim; its zero value where nothing is declared.
func (a *App) declared() (issuance.Trust, error) {
	q := a.o.Settings.Qualified
	if !q.Declared() {
		return issuance.Trust{}, nil
	}
	arc, err := issuance.ParseArc(q.Arc)
	if err != nil {
		return issuance.Trust{}, fmt.Errorf("qualified.policy_arc: %w", err)
	}
	proof := issuance.Proof{TrustedList: q.Address, PolicyArc: arc, PDS: map[string]string{"en": q.PDSEN}}
	if q.PDSPT != "" {
		proof.PDS["pt"] = q.PDSPT
	}
	return issuance.Qualified(proof)
}

// openListing reads the list that has to prove what is declared. One that proves nothing stops no start: whoever asks for
// status is answered, and nothing is issued.
func (a *App) openListing() (*listing, error) {
	q := a.o.Settings.Qualified
	if !q.Declared() {
		return nil, nil //nolint:nilnil // nothing is declared, and nothing has to be proven
	}
	signers, err := pinned(q.Signers)
	if err != nil {
		return nil, fmt.Errorf("qualified.trusted_list_signers: %w", err)
	}
	l := &listing{path: q.List, signers: signers, now: a.DB.Now}
	l.read()
	return l, nil
}

func pinned(path string) (all []*x509.Certificate, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all, data = append(all, cert), rest
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no certificate", path)
	}
	return all, nil
}

// read reads the file anew; one that cannot be taken proves nothing, whatever an earlier one said.
func (l *listing) read() {
	var list trustlist.List
	info, err := os.Stat(l.path)
	if err == nil && info.Size() > trustlist.MostBytes {
		err = fmt.Errorf("%s is longer than %d bytes", l.path, trustlist.MostBytes)
	}
	if err == nil {
		var data []byte
		if data, err = os.ReadFile(l.path); err == nil {
			list, err = trustlist.Read(data, l.signers, l.now())
		}
	}
	if err == nil && list.Territory != "PT" { // ours are the certificates of an authority in Portugal: C=PT
		err = fmt.Errorf("the trusted list is that of %q", list.Territory)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil && list.Sequence < l.list.Sequence {
		err = fmt.Errorf("the trusted list has the number %d, and one with %d was read before", list.Sequence, l.list.Sequence)
	}
	if l.err = err; err == nil {
		l.list = list
	}
}

// kinds are what lists call the statements of certificates.
func kinds() map[issuance.Statement]trustlist.Kind {
	return map[issuance.Statement]trustlist.Kind{
		issuance.QcTypeSign: trustlist.Signatures, issuance.QcTypeSeal: trustlist.Seals, issuance.QcTypeWeb: trustlist.Websites,
	}
}

// proves says why an authority is not proven, now; it is asked before each certificate.
func (l *listing) proves(authority []byte, kind issuance.Statement) error {
	l.mu.Lock()
	list, err := l.list, l.err
	l.mu.Unlock()
	if err != nil {
		return err
	}
	cert, err := x509.ParseCertificate(authority)
	if err != nil {
		return err
	}
	return list.Proves(cert, kinds()[kind], l.now())
}

// The watch on the list.
const (
	// listingPause is how often the file is read anew: a list that says otherwise ends issuance within that time.
	listingPause = 5 * time.Minute
	// listingNotice is how long before a list runs out somebody should fetch the next.
	listingNotice = 7 * 24 * time.Hour
)

// watchListing reads the list anew, and says in the log when it comes to prove nothing.
func (a *App) watchListing(ctx context.Context) error {
	before := a.unlisted()
	if before != nil {
		a.o.Log.ErrorContext(ctx, "this instance is declared qualified and not proven so: nothing is issued to holders", "error", before)
	}
	return a.every(listingPause, func(ctx context.Context) error {
		a.listing.read()
		now := a.unlisted()
		switch {
		case now != nil && before == nil:
			a.o.Log.ErrorContext(ctx, "the trusted list does not prove this instance qualified any more: nothing is issued to holders", "error", now)
		case now == nil && before != nil:
			a.o.Log.InfoContext(ctx, "the trusted list proves this instance qualified")
		}
		before = now
		return nil
	})(ctx)
}

// unlisted says why the authorities that issue are not proven; nil if each is, for something.
func (a *App) unlisted() error {
	var errs []error
	issuing := 0
	for _, one := range a.Record.Authorities() {
		if one.Root || !one.Issues {
			continue
		}
		issuing++
		if err := a.listing.proves(one.Certificate, ""); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", one.Name, err))
		}
	}
	if issuing == 0 {
		errs = append(errs, errors.New("no authority issues"))
	}
	return errors.Join(errs...)
}

// watchedListing is the list among what of ours ends: whoever watches that is told in time, and when it proves nothing.
func (a *App) watchedListing() []ca.Watched {
	if a.listing == nil {
		return nil
	}
	a.listing.mu.Lock()
	ends := a.listing.list.NextUpdate
	a.listing.mu.Unlock()
	if now := a.DB.Now(); a.unlisted() != nil && (ends.IsZero() || ends.After(now)) {
		ends = now
	}
	return []ca.Watched{{Kind: "trusted-list", Name: "trusted-list", Ends: ends, Warn: ends.Add(-listingNotice)}}
}

// checkListing is a line of the check verb.
func (a *App) checkListing() Checked {
	one := Checked{What: "qualified", Says: "not declared: what is issued says TESTE"}
	if a.listing == nil {
		return one
	}
	if err := a.unlisted(); err != nil {
		one.Says, one.Wrong = "declared, and not proven; nothing is issued to holders: "+err.Error(), true
		return one
	}
	a.listing.mu.Lock()
	defer a.listing.mu.Unlock()
	one.Says = fmt.Sprintf("proven by the trusted list %d of %s, good until %s", a.listing.list.Sequence, a.listing.list.Territory, a.listing.list.NextUpdate.UTC().Format(time.RFC3339))
	return one
}
