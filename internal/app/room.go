package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"chancela/internal/ca"
	"chancela/internal/certificate"
	"chancela/internal/credential"
	"chancela/internal/fault"
	"chancela/internal/signer"
	"chancela/internal/status"
)

// signing is the room that signs as the rooms above it use it, in this process or in one of its own.
type signing interface {
	certificate.Authority
	status.Authority
	credential.Sealer
}

var (
	_ signing = (*ca.CA)(nil)
	_ signing = signer.Remote{}
)

// openRoom opens the room that signs: with the keys, or as a line to the signer that has them.
func (a *App) openRoom() error {
	if len(a.o.Settings.Keys.Signer) > 0 {
		return a.openLine()
	}
	c, err := a.roomConfig()
	if err != nil {
		return err
	}
	if c.Keys, err = a.openKeys(); err != nil {
		return err
	}
	if !a.evaluation() {
		c.Reference = ca.KernelClock
	}
	if a.CA, err = ca.New(c); err != nil {
		return err
	}
	a.Record, a.room = a.CA.Record, a.CA
	return nil
}

// roomConfig is what the room and its record are wired to, but for the keys.
func (a *App) roomConfig() (ca.Config, error) {
	replica, err := a.replica()
	if err != nil {
		return ca.Config{}, err
	}
	if a.trust, err = a.declared(); err != nil {
		return ca.Config{}, err
	}
	if a.listing, err = a.openListing(); err != nil {
		return ca.Config{}, err
	}
	c := ca.Config{DB: a.DB, Base: a.pkiBase(), CPS: a.pkiBase() + "/politica", SealApprovals: a.sealApprovals(), Replica: replica, Published: a.path("published"), ListSize: a.o.Settings.Status.ListSize, Crash: a.o.Crash, Log: a.o.Log, Trust: a.trust}
	if a.listing != nil {
		c.Listed = a.listing.proves
	}
	return c, nil
}

// sealApprovals is, by portal, how many different people approve what is sealed, as its definition says that this process
// reads for itself: the fewest of its procedures of that outcome, since the room does not know which of them it was.
func (a *App) sealApprovals() map[string]int {
	fewest := map[string]int{}
	if a.Portals == nil { // opened for its keys alone, before the definitions can be read: it seals nothing
		return fewest
	}
	for _, one := range a.Portals.Portals {
		for _, p := range one.Procedures {
			if p.Outcome.Kind != outcomeSealed {
				continue
			}
			if n, named := fewest[one.Name]; !named || p.Decide.Approvals < n {
				fewest[one.Name] = p.Decide.Approvals
			}
		}
	}
	return fewest
}

// openLine opens the record here, and a line to the signer. A process that asks a signer has no way to a key.
func (a *App) openLine() error {
	for _, left := range []string{"signing", "passphrase"} {
		if _, err := os.Stat(filepath.Join(a.keysDir(), left)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keys.signer is set, and %s is here: a process that asks a signer has no way to a key; move it to the signer's keys", filepath.Join(a.keysDir(), left))
		}
	}
	k := a.o.Settings.Keys
	c := signer.LineConfig{Addresses: k.Signer, Log: a.o.Log, TLS: signer.TLS{Certificate: k.SignerCertificate, Key: k.SignerKey}}
	if k.SignerPeer != "" {
		c.TLS.Peers = []string{k.SignerPeer}
	}
	line, err := signer.NewLine(c)
	if err != nil {
		return fmt.Errorf("keys.signer: %w", err)
	}
	a.Line = line
	a.close = append(a.close, line.Close)
	with, err := a.roomConfig()
	if err != nil {
		return err
	}
	a.Record, err = ca.OpenRecord(with, line.Publish)
	a.room = signer.Remote{Record: a.Record, Line: line}
	return err
}

// far is what the signer last said of itself.
type far struct {
	mu  sync.Mutex
	at  time.Time
	err error
}

// Pauses of the watch on the signer: short while it is away or has no hierarchy yet, so that what waits goes on soon.
const (
	watchPause = 10 * time.Second
	watchAway  = 2 * time.Second
)

// watchSigner asks the signer how it is until ctx ends, and reads anew what it renewed. An order that waits for a
// signer that was away is taken up by itself.
func (a *App) watchSigner(ctx context.Context) error {
	for {
		err := errors.Join(a.Record.Load(ctx), a.signerHealth(ctx))
		a.far.mu.Lock()
		before := a.far.err
		a.far.at, a.far.err = time.Now(), err
		a.far.mu.Unlock()
		told := fault.Is(err, fault.Unavailable) // by the line, once
		if ctx.Err() == nil && err != nil && !told && (before == nil || before.Error() != err.Error()) {
			a.o.Log.WarnContext(ctx, "the signer cannot sign", "error", err)
		}
		pause := watchPause
		if err != nil {
			pause = watchAway
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// signerHealth says why the signer cannot do its work for this instance; nil if it can.
func (a *App) signerHealth(ctx context.Context) error {
	h, err := a.Line.Health(ctx)
	if err != nil {
		return err
	}
	var roots []string
	for _, one := range a.Record.Authorities() {
		if one.Root {
			roots = append(roots, one.Fingerprint)
		}
	}
	slices.Sort(roots)
	switch {
	case h.Base != a.pkiBase():
		return fmt.Errorf("the signer's certificates carry %s, and this instance answers at %s: set server.pki_url (or --listen) alike", h.Base, a.pkiBase())
	case h.Trouble != "":
		return fmt.Errorf("the signer says: %s", h.Trouble)
	case !slices.Equal(h.Roots, roots):
		return errors.New("the signer works on another record: set database.url alike")
	}
	return nil
}

// farHealth is what the watch last found.
func (a *App) farHealth() error {
	a.far.mu.Lock()
	defer a.far.mu.Unlock()
	switch {
	case a.far.at.IsZero():
		return errors.New("the signer was not asked yet")
	case time.Since(a.far.at) > oldTest:
		return fmt.Errorf("the signer was last asked at %s", a.far.at.UTC().Format(time.RFC3339))
	}
	return a.far.err
}

// checkLine asks the signer, for the check verb.
func (a *App) checkLine(ctx context.Context) Checked {
	one := Checked{What: "signer"}
	if err := a.signerHealth(ctx); err != nil {
		one.Says, one.Wrong = err.Error(), true
		return one
	}
	h, err := a.Line.Health(ctx)
	if err != nil {
		one.Says, one.Wrong = err.Error(), true
		return one
	}
	where := "keys open"
	if h.Module {
		where = "keys of a hardware module sign"
	}
	one.Says = fmt.Sprintf("it answers as %s; %d %s", strings.ToValidUTF8(h.Replica, ""), h.Keys, where)
	return one
}
