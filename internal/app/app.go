// Package app is the whole wiring of the program, top to bottom: which room stands on which, and every background
// loop. The verbs of cmd/chancela and the tests start the same thing here.
//
// It is the one place, with package config, that knows whether this is an evaluation instance: rooms are handed what
// differs. It must never decide anything else. Start reading at [Open].
package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"chancela/internal/account"
	"chancela/internal/actor"
	"chancela/internal/api"
	"chancela/internal/audit"
	"chancela/internal/blob"
	"chancela/internal/ca"
	"chancela/internal/caller"
	"chancela/internal/casefile"
	"chancela/internal/certificate"
	"chancela/internal/config"
	"chancela/internal/credential"
	"chancela/internal/db"
	"chancela/internal/evidence"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/issuance/hsm"
	"chancela/internal/letter"
	"chancela/internal/link"
	"chancela/internal/login"
	"chancela/internal/notify"
	"chancela/internal/pkihttp"
	"chancela/internal/portal"
	"chancela/internal/problem"
	"chancela/internal/publication"
	"chancela/internal/queue"
	"chancela/internal/recheck"
	"chancela/internal/signer"
	"chancela/internal/status"
	"chancela/internal/throttle"
	"chancela/internal/vault"
	"chancela/internal/web"
	"chancela/portals"
)

// Options are what a start of the program is given.
type Options struct {
	Settings config.Settings
	// Base is the address by which people reach the pages, known once the program listens.
	Base *url.URL
	// Portals are definitions beside the embedded ones; nil for none.
	Portals fs.FS
	Log     *slog.Logger
	// Clock is the time by which everything is stamped; time.Now if nil.
	Clock func() time.Time
	// Beside says that a server may be running on the same instance: nothing is founded, and nothing that it may have
	// under way is closed as lost.
	Beside bool
	// Crash is called at each named point where a crash must lose nothing; nil but in tests.
	Crash func(point string)
}

// App is the program, wired.
type App struct {
	Portals      *portal.Set
	DB           *db.DB
	Queue        *queue.Queue
	Notify       *notify.Service
	Outbox       *notify.Outbox // nil unless nothing is sent for real
	Links        *link.Links
	Letters      *letter.Letters
	Accounts     *account.Accounts
	Login        *login.Service
	Evidence     *evidence.Service
	Cases        *casefile.Service
	Record       *ca.Record
	CA           *ca.CA       // nil where a signer has the keys
	Line         *signer.Line // to the signer; nil where the keys are here
	Module       *hsm.Module  // nil where keys are in files, or elsewhere
	Certificates *certificate.Service
	Credentials  *credential.Service
	Problems     *problem.Service
	Status       *status.Service
	Recheck      *recheck.Service
	Publication  *publication.Service
	Keeper       *audit.Keeper
	Counters     *throttle.Counters
	Web          *web.Server
	PKI          http.Handler
	PlainPKI     http.Handler // for the listener without TLS: it takes no secret
	Callers      *caller.Service

	room     signing
	trust    issuance.Trust
	listing  *listing // nil unless the instance is declared qualified
	far      far
	o        Options
	vault    *vault.Vault
	outcomes outcomes
	blobs    []*blob.Dir
	close    []func() error
}

// Open opens everything and brings it to the shape that this program needs; nothing runs yet.
func Open(ctx context.Context, o Options) (*App, error) {
	a := newApp(o)
	steps := []func(context.Context) error{a.openPortals, a.openStores, a.openMessages, a.openFace}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

func newApp(o Options) *App {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &App{o: o, outcomes: newOutcomes()}
}

// Close closes what was opened, the last first.
func (a *App) Close() error {
	var all error
	for i := len(a.close) - 1; i >= 0; i-- {
		all = errors.Join(all, a.close[i]())
	}
	a.close = nil
	return all
}

func (a *App) evaluation() bool { return a.o.Settings.Server.Mode == config.Evaluation }

// path gives a place in the data directory.
func (a *App) path(parts ...string) string {
	return filepath.Join(append([]string{a.o.Settings.Server.Data}, parts...)...)
}

func (a *App) keysDir() string {
	if dir := a.o.Settings.Keys.Dir; dir != "" {
		return dir
	}
	return a.path("keys")
}

func (a *App) openPortals(context.Context) error {
	sources := []fs.FS{portals.Files}
	if a.o.Portals != nil {
		sources = append(sources, a.o.Portals)
	}
	set, err := portal.LoadAll(a.outcomes.all(), sources...)
	if err != nil {
		return fmt.Errorf("portals:\n%w", err)
	}
	if !a.evaluation() {
		for _, p := range set.Portals {
			if len(p.Unset) > 0 {
				return fmt.Errorf("portal %s still has place-holders, with which it starts only in evaluation mode:\n  %s", p.Name, strings.Join(p.Unset, "\n  "))
			}
		}
	}
	a.Portals = set
	return nil
}

// openStores opens what keeps things: directories, secret, database, documents, the audit's checkpoints.
func (a *App) openStores(ctx context.Context) error {
	for _, dir := range []string{a.path(), a.keysDir()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("data directory: %w", err)
		}
	}
	address := a.o.Settings.Database.URL
	if address == "" {
		address = "sqlite:" + a.path("chancela.db")
	}
	d, err := db.Open(ctx, db.Config{URL: address, Clock: a.o.Clock, MaxConns: a.o.Settings.Database.MaxConns, Log: a.o.Log})
	if err != nil {
		return err
	}
	a.DB = d
	a.close = append(a.close, d.Close)
	if err := d.Migrate(ctx); err != nil {
		return err
	}
	a.Keeper, err = audit.OpenKeeper(d, audit.Config{Dir: a.path("audit"), Name: a.o.Base.Hostname() + "/audit", Log: a.o.Log})
	if err != nil {
		return err
	}
	a.close = append(a.close, a.Keeper.Close)
	return nil
}

// store opens a directory of documents, encrypted under one key.
func (a *App) store(name string) (*blob.Dir, error) {
	key, err := blob.OpenKey(filepath.Join(a.keysDir(), "documents.key"))
	if err != nil {
		return nil, err
	}
	dir, err := blob.OpenDir(a.path(name), key)
	if err == nil {
		a.blobs = append(a.blobs, dir)
	}
	return dir, err
}

// openMessages opens the queue and what is sent by it.
func (a *App) openMessages(ctx context.Context) error {
	secret, err := openSecret(filepath.Join(a.keysDir(), "instance.key"))
	if err != nil {
		return err
	}
	replica, err := a.replica()
	if err != nil {
		return err
	}
	if a.Queue, err = queue.New(a.DB, queue.Config{Replica: replica, Log: a.o.Log}); err != nil {
		return err
	}
	if err := a.Queue.Migrate(ctx); err != nil {
		return err
	}
	linkKey, countKey, vaultKey, markKey := secret.key("links"), secret.key("throttle"), secret.key("vault"), secret.key("deliveries")
	a.Links, a.Counters = link.New(linkKey), throttle.New(countKey)
	mail, sms, err := a.waysOut()
	if err != nil {
		return err
	}
	a.Notify, err = notify.New(a.DB, a.Queue, notify.Config{Mail: mail, SMS: sms, Reveal: letter.Reveal(a.Links, a.DB), MarkKey: markKey[:]})
	if err != nil {
		return err
	}
	a.Letters = letter.New(letter.Config{Links: a.Links, Notify: a.Notify, Base: a.base(), Paths: paths()})
	v, err := vault.New(vaultKey[:])
	if err != nil {
		return err
	}
	a.vault = v
	return a.openPeople(ctx, v)
}

// waysOut are how mail and short messages leave: for real, or into the outbox that the evaluation instance shows.
func (a *App) waysOut() (notify.MailSender, notify.SMSSender, error) {
	from := notify.From{Address: a.o.Settings.Mail.From, Origins: []string{a.base()}}
	outbox, err := notify.OpenOutbox(a.path("outbox"), from)
	if err != nil {
		return nil, nil, err
	}
	m := a.o.Settings.Mail
	if m.Host == "" {
		a.Outbox = outbox
		return outbox, outbox, nil
	}
	smtp, err := notify.NewSMTP(notify.SMTPConfig{Host: m.Host, Port: m.Port, Security: notify.Security(m.TLS), User: m.User, Password: m.Password, From: from})
	if a.o.Settings.SMS.Gateway == "" {
		return smtp, noSMS{}, err
	}
	return smtp, outbox, err
}

func (a *App) openPeople(ctx context.Context, v *vault.Vault) error {
	a.Accounts = account.New(account.Config{DB: a.DB, Portals: a.Portals, Letters: a.Letters, Links: a.Links, Vault: v, Throttle: a.Counters, Crash: a.o.Crash, Log: a.o.Log})
	if err := a.Accounts.ImportRegisters(ctx); err != nil {
		return err
	}
	documents, err := a.store("documents")
	if err != nil {
		return err
	}
	if a.Evidence, err = evidence.New(a.DB, evidence.Config{Store: documents, Log: a.o.Log}); err != nil {
		return err
	}
	a.outcomes.access.Accounts = a.Accounts
	a.Cases = casefile.New(casefile.Config{
		DB: a.DB, Portals: a.Portals, Outcomes: a.outcomes.all(), Accounts: a.Accounts, Evidence: a.Evidence, Letters: a.Letters, Links: a.Links, Vault: v, Counters: a.Counters,
	})
	a.Login = login.New(login.Config{
		DB: a.DB, Portals: a.Portals, Accounts: a.Accounts, Letters: a.Letters, Links: a.Links, Throttle: a.Counters, Vault: v, RecoveryPage: "recuperar",
		MailOnly: a.o.Settings.SMS.Gateway == "",
	})
	if err := a.openSigning(ctx); err != nil {
		return err
	}
	return a.Cases.Remember(ctx)
}

// openSigning opens the rooms that issue, and founds the hierarchy of an evaluation instance at its first start.
func (a *App) openSigning(ctx context.Context) error {
	if err := a.openRoom(); err != nil {
		return err
	}
	known, err := knownKeys(a.o.Settings.Keys.Known)
	if err != nil {
		return err
	}
	a.Certificates = certificate.New(certificate.Config{DB: a.DB, CA: a.room, Accounts: a.Accounts, Portals: a.Portals, Letters: a.Letters, Codes: a.Links, Counters: a.Counters, KnownKeys: known, Page: "/certificados", Crash: a.o.Crash, Log: a.o.Log})
	a.Problems = problem.New(problem.Config{DB: a.DB, Portals: a.Portals, People: a.Accounts, Letters: a.Letters, Vault: a.vault, Throttle: a.Counters, Page: "tecnico/comunicacoes"})
	sealed, err := a.store("credentials")
	if err != nil {
		return err
	}
	c := credential.Config{
		DB: a.DB, Portals: a.Portals, People: a.Accounts, Letters: a.Letters, Sealer: a.room, Blobs: sealed, Base: a.base(), Page: "/credenciais", Crash: a.o.Crash, Log: a.o.Log,
	}
	if a.evaluation() {
		c.Notice, c.Watermark = i18n.Say(i18n.PT, "web.evaluation", nil), "TESTE"
	}
	a.Credentials = credential.New(c)
	a.Status = status.New(status.Config{DB: a.DB, CA: a.room, Portals: a.Portals, Throttle: a.Counters, Sources: []status.Verifiable{verifiable{a.Credentials}}, Stamps: a.stamps() != config.AskNobody})
	if err := a.openPublication(); err != nil {
		return err
	}
	a.openStamps()
	if err := a.openRecheck(); err != nil {
		return err
	}
	a.outcomes.certificate.Service, a.outcomes.mandate.Service, a.outcomes.credential.Service = a.Certificates, a.Certificates, a.Credentials
	a.Accounts.Hang(web.HangsCertificate, a.Certificates)
	a.Accounts.Hang(web.HangsCredential, a.Credentials)
	if err := a.loadHierarchy(ctx); err != nil {
		return fmt.Errorf("certification hierarchy: %w", err)
	}
	if a.o.Beside {
		return nil
	}
	return a.Publication.Publish(ctx, actor.Machine(""))
}

// openStamps opens what machines ask, with time stamps for those to whom the instance gives them.
func (a *App) openStamps() {
	main, plain := pkihttp.New(a.Status).Publish(a.Publication), pkihttp.New(a.Status).Publish(a.Publication)
	if ask := a.stamps(); ask != config.AskNobody {
		a.Callers = caller.New(caller.Config{DB: a.DB, Portals: a.Portals, Accounts: a.Accounts, Throttle: a.Counters})
		asked := pkihttp.ByAll
		if ask == config.AskBodies {
			asked = pkihttp.ByCallers
			plain.Stamps(pkihttp.InClear, a.Callers)
		}
		main.Stamps(asked, a.Callers)
	}
	a.PKI, a.PlainPKI = main, plain
}

// stamps says who gets time stamps.
func (a *App) stamps() string {
	switch ask := a.o.Settings.Stamps.Ask; {
	case ask != "":
		return ask
	case a.evaluation():
		return config.AskAll
	}
	return config.AskBodies
}

// loadHierarchy reads the hierarchy, and founds what is missing: all of it at the first start of an evaluation instance,
// elsewhere what stands below the authorities that a ceremony made. What a crash left
// half-done is closed first: a key whose certificate was intended and never recorded could otherwise not be certified
// anew.
func (a *App) loadHierarchy(ctx context.Context) error {
	if err := a.Record.Load(ctx); err != nil || a.o.Beside || a.CA == nil {
		return err
	}
	if err := a.CA.Reconcile(ctx); err != nil {
		return err
	}
	if !a.evaluation() && len(a.CA.Authorities()) == 0 {
		return errNotFounded
	}
	err := a.CA.Found(ctx, actor.Machine(""), a.plan())
	if fault.Is(err, fault.Unavailable) { // a module that is away keeps nobody from filing a case
		a.o.Log.WarnContext(ctx, "the keys cannot be reached; what is missing of the hierarchy is founded when they can", "error", err)
		return nil
	}
	return err
}

// plan is the hierarchy that an evaluation instance founds by itself, shaped like the State's: root, issuing authority, responders, a
// time-stamping unit, and a seal for each body whose number is known.
func (a *App) plan() ca.Plan {
	if !a.evaluation() { // a ceremony's plan is in force, or there is none
		return ca.Plan{}
	}
	p := ca.Plan{
		Algorithm: issuance.Algorithm(a.o.Settings.Keys.Algorithm),

		Root:    ca.AuthorityPlan{Name: "raiz-teste", Organization: "Chancela TESTE", CommonName: "Raiz TESTE", Responder: "OCSP da Raiz TESTE"},
		Issuing: ca.AuthorityPlan{Name: "emissora-teste", Organization: "Chancela TESTE", CommonName: "Entidade Certificadora TESTE", Responder: "OCSP da Entidade Certificadora TESTE"},
		Unit:    ca.UnitPlan{Name: "tsu-teste", Organization: "Chancela TESTE", CommonName: "TSU TESTE"},
		Minutes: "Evaluation instance: founded by the program at its first start, without witnesses. Every certificate is a TEST one.",
	}
	for _, one := range a.Portals.Portals {
		if one.Body.NIPC != "" {
			p.Seals = append(p.Seals, ca.SealPlan{Portal: one.Name, Body: one.Body.Name.PT, NIPC: one.Body.NIPC, CommonName: "Selo TESTE " + one.Body.Short})
		}
	}
	return p
}

func (a *App) openFace(context.Context) error {
	programs, err := api.New(api.Config{
		Certificates: a.Certificates, Portals: a.Portals, From: func(r *http.Request) string { return a.Web.Source(r) }, Log: a.o.Log,
	})
	if err != nil {
		return err
	}
	c := web.Config{
		Portals: a.Portals, Cases: a.Cases, Accounts: a.Accounts, Login: a.Login, Certificates: a.Certificates, Credentials: a.Credentials, Problems: a.Problems, Status: a.Status, Callers: a.Callers,
		Base: a.o.Base, Trail: trail{a.DB}, Ready: a.Ready, PKI: a.PKI, API: programs, Proxies: a.o.Settings.Server.Proxies, Clock: a.DB.Now, Log: a.o.Log,
	}
	if a.evaluation() {
		c.Notice, _ = i18n.Word("web.evaluation")
		c.Mailbox = mailbox{a.Outbox}
	}
	if c.Handout, err = a.handout(); err != nil {
		return err
	}
	a.Web, err = web.New(c)
	return err
}

func (a *App) base() string { return strings.TrimSuffix(a.o.Base.String(), "/") }

func (a *App) pkiBase() string {
	if address := a.o.Settings.Server.PKIURL; address != "" {
		return strings.TrimSuffix(address, "/") + "/pki"
	}
	return a.base() + "/pki"
}

// Ready says what keeps the program from doing its work; nil if nothing does.
func (a *App) Ready(ctx context.Context) error {
	return errors.Join(a.DB.Health(), a.reach(ctx), a.Keeper.Health())
}

// reach says whether the database answers.
func (a *App) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return a.DB.Look(ctx, func(tx *db.Tx) error {
		var one int
		return tx.Row(ctx, `SELECT 1`).Scan(&one)
	})
}

// Run runs the queue and every background loop until ctx ends, and then waits for them.
func (a *App) Run(ctx context.Context) error {
	if err := a.Queue.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	var loops sync.WaitGroup
	loop := func(name string, run func(context.Context) error) {
		loops.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				a.o.Log.Error("a background loop ended", "loop", name, "error", err)
			}
		})
	}
	loop("audit", func(ctx context.Context) error { a.Keeper.Run(ctx); return nil })
	if a.CA == nil {
		loop("signer", a.watchSigner)
	} else {
		loop("ca", a.CA.Run)
	}
	loop("register", a.Record.Feed)
	loop("answers", a.Status.Ahead)
	loop("memory", func(ctx context.Context) error { return boundGarbage(ctx, a.Record.Size) })
	if a.Module != nil {
		loop("keys", a.watchKeys)
	}
	loop("account", a.Accounts.Run)
	loop("certificate", a.Certificates.Run)
	loop("credential", a.Credentials.Run)
	loop("chores", a.every(time.Hour, func(ctx context.Context) error {
		return errors.Join(a.Cases.Tidy(ctx, actor.Machine("")), a.Certificates.Remind(ctx, actor.Machine("")), a.Certificates.WarnOfHolds(ctx, actor.Machine("")), a.Credentials.Remind(ctx, actor.Machine("")))
	}))
	if a.listing != nil {
		loop("trusted list", a.watchListing)
	}
	loop("own keys", a.every(time.Hour, a.watchOwn))
	loop("sweep", a.every(time.Hour, a.sweep))
	loop("re-check", a.nights)
	loop("publication", a.every(time.Minute, a.publish))
	<-ctx.Done()
	loops.Wait()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return a.Queue.Stop(stopping)
}

// every does something now and then after each pause, whatever came of it.
func (a *App) every(pause time.Duration, do func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			if err := do(ctx); err != nil && ctx.Err() == nil {
				a.o.Log.Error("a background chore failed", "error", err)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	}
}

// sweep takes away what is worth nothing any more.
func (a *App) sweep(ctx context.Context) error {
	err := a.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := link.Sweep(ctx, tx, tx.Now().AddDate(0, -3, 0)); err != nil {
			return err
		}
		_, err := a.Counters.Sweep(ctx, tx)
		return err
	})
	_, documents := a.Evidence.Sweep(ctx, a.DB.Now())
	_, credentials := a.Credentials.Sweep(ctx, a.DB.Now())
	sessions := a.Login.Sweep(ctx)
	err = errors.Join(err, documents, credentials, sessions)
	for _, dir := range a.blobs {
		err = errors.Join(err, dir.Sweep(ctx, a.DB.Now()))
	}
	return err
}
