package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/durable"
	"chancela/internal/issuance"
	"chancela/internal/issuance/hsm"
	"chancela/internal/notify"
	"chancela/internal/portal"
	"chancela/internal/web"
)

// record is the outcome of a case that is kept and makes nothing: a communication.
type record struct{}

// Check finds nothing: a record has no parameters.
func (record) Check(*portal.Portal, *portal.Procedure) portal.Mistakes { return nil }

// Propose says that nothing will be made.
func (record) Propose(context.Context, *db.Tx, portal.Grant) (portal.Proposal, error) {
	return portal.Proposal{}, nil
}

// Grant makes nothing: the decided case is the record.
func (record) Grant(context.Context, *db.Tx, actor.Actor, portal.Grant) error { return nil }

// replica names this process among those that share the database; the name stays the same after a restart.
func (a *App) replica() (string, error) {
	return kept(a.path("replica"), db.NewID())
}

// kept reads what an earlier start put in a file, or makes the file at the first.
func kept(path, first string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := durable.Create(path, []byte(first+"\n")); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		text, err = os.ReadFile(path) // another process may have been first
	}
	return strings.TrimSpace(string(text)), err
}

// passphrase opens the key files: the one of the settings, or in an evaluation instance one kept beside them.
func (a *App) passphrase() (string, error) {
	if p := a.o.Settings.Keys.Passphrase; p != "" {
		return p, nil
	}
	return kept(filepath.Join(a.keysDir(), "passphrase"), db.NewID()+db.NewID())
}

// trail lets the face look at the audit trail.
type trail struct{ d *db.DB }

// Entries lists entries of a portal, newest first, to who may see them.
func (t trail) Entries(ctx context.Context, by actor.Actor, f audit.Filter) (entries []audit.Entry, err error) {
	if err := by.MayIn(f.Portal, actor.SeeAudit); err != nil {
		return nil, err
	}
	err = t.d.Look(ctx, func(tx *db.Tx) error {
		entries, err = audit.Entries(ctx, tx, f)
		return err
	})
	return entries, err
}

// openKeys opens what holds the signing keys: a hardware module, if the settings name one, else encrypted files.
func (a *App) openKeys() (ca.Keys, error) {
	k := a.o.Settings.Keys
	if k.Library == "" {
		return a.keyFiles()
	}
	m, err := hsm.New(hsm.Config{
		Library: k.Library, Token: k.Token, Serial: k.Serial, PIN: k.PIN, Sessions: k.Sessions, Cautious: a.o.Beside, Log: a.o.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("keys.pkcs11_library: %w", err)
	}
	a.Module = m
	a.close = append(a.close, m.Close)
	return m, nil
}

// keyFiles opens the folder of encrypted key files. The passphrase kept beside them has as many random bits as a key,
// and needs no stretching; one that people chose does.
func (a *App) keyFiles() (ca.Keys, error) {
	passphrase, err := a.passphrase()
	if err != nil {
		return nil, err
	}
	cost := issuance.CostPerson()
	if a.o.Settings.Keys.Passphrase == "" {
		cost = issuance.CostRandom()
	}
	return ca.FileKeys{Dir: a.signingDir(), Passphrase: issuance.NewPassphrase([]byte(passphrase), cost)}, nil
}

// noSMS is the way out of an instance that has none: nothing should have been queued for it.
type noSMS struct{}

// SendSMS refuses for good.
func (noSMS) SendSMS(context.Context, notify.Text) error {
	return &notify.Failure{Word: "misset", ForGood: true}
}

// handout is the origin of documents, where the settings name one of its own.
func (a *App) handout() (web.Handout, error) {
	address := a.o.Settings.Server.DocsOrigin
	if address == "" {
		return web.Handout{}, nil
	}
	origin, err := url.Parse(strings.TrimSuffix(address, "/"))
	if err != nil || origin.Host == "" || origin.Path != "" || origin.Host == a.o.Base.Host {
		return web.Handout{}, fmt.Errorf("server.evidence_origin is %q; expected another origin than the pages', such as https://documentos.exemplo.pt", address)
	}
	return web.Handout{Origin: origin, Lock: a.vault.Lock, Unlock: a.vault.Unlock}, nil
}
