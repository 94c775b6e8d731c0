package hsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"chancela/internal/fault"
)

// Config says which token of which library holds the keys.
type Config struct {
	Library string // path of the module's PKCS#11 library
	Token   string // label of the token
	Serial  string // its serial number; "" unless several tokens have that label
	PIN     string // of the token's user
	// Sessions is the most signatures under way at a time; as many as there are cores if zero.
	Sessions int
	// LoginPause is the least time between two logins, whatever their outcome; 10 seconds if zero.
	LoginPause time.Duration
	// Retry is the least time between two attempts to reach a token that was not there; a second if zero. None of them
	// costs a login.
	Retry time.Duration
	// Wait is how long a signature may wait for the module before it is refused as Unavailable; 10 seconds if zero.
	Wait time.Duration
	// Every is the pause between two self-tests of [Module.Run]; a minute if zero.
	Every time.Duration
	// Cautious is for verbs beside a running server: a token to which somebody gave a wrong PIN since the last right one
	// is not tried at all.
	Cautious bool
	Log      *slog.Logger // slog.Default() if nil
}

func (c *Config) defaults() {
	if c.Sessions <= 0 {
		c.Sessions = runtime.NumCPU()
	}
	if c.LoginPause == 0 {
		c.LoginPause = 10 * time.Second
	}
	if c.Retry == 0 {
		c.Retry = time.Second
	}
	if c.Wait == 0 {
		c.Wait = 10 * time.Second
	}
	if c.Every == 0 {
		c.Every = time.Minute
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
}

// Module is one token of a hardware module. It is safe for use by several at once.
type Module struct {
	c       Config
	library library
	slots   chan struct{} // one for each session in use

	mu        sync.Mutex
	link      *link    // nil while the token is not reached
	attempt   *attempt // to reach it; nil for none under way
	closing   chan struct{}
	nextTry   time.Time
	nextLogin time.Time
	refused   error // why the PIN is never tried again; nil if it may be
	keys      map[string]*Key
	faulty    error // the last test signature was bad; nil if it was not
	health    Health
}

// attempt is one way to the token, which everybody who needs it waits for.
type attempt struct {
	done chan struct{}
	err  error
}

// The errors that a library's calls are sorted into. What is neither is a refusal of that one call.
var (
	// errGone: the token, the session or the login is gone; everything has to be opened anew.
	errGone = errors.New("the token is not there")
	// errBusy: the token has no session to spare.
	errBusy = errors.New("the token has no free session")
	// errPIN: the token refused the PIN, or is locked.
	errPIN = errors.New("the token refused the PIN")
	// errClosed: the module was closed.
	errClosed = errors.New("closed")
)

// New makes the module, and reaches for nothing yet: a token that is away keeps nobody from starting. It fails where
// the library cannot be loaded, and in a program that was built without PKCS#11.
func New(c Config) (*Module, error) {
	if c.Library == "" || c.Token == "" || c.PIN == "" {
		return nil, errors.New("hsm: a library, the label of a token and a PIN are needed")
	}
	l, err := load(c.Library)
	if err != nil {
		return nil, fmt.Errorf("hsm: %w", err)
	}
	return over(l, c), nil
}

func over(l library, c Config) *Module {
	c.defaults()
	return &Module{c: c, library: l, slots: make(chan struct{}, c.Sessions), keys: map[string]*Key{}}
}

// Close ends all sessions and logs out. Nothing can be signed afterwards.
func (m *Module) Close() error {
	m.mu.Lock()
	m.refused = errClosed
	l := m.link
	m.mu.Unlock()
	if l != nil {
		m.drop(l, errClosed)
	}
	m.mu.Lock()
	closing := m.closing
	m.mu.Unlock()
	if closing != nil {
		select {
		case <-closing:
		case <-time.After(m.c.Wait): // a call that hangs in the library cannot be ended
		}
	}
	return nil
}

// away says to a caller that the keys cannot be used now, and to the log why.
func (m *Module) away(cause error) error {
	return fmt.Errorf("hsm: %w: %w", &fault.Error{Kind: fault.Unavailable, Key: "issuance.token-away", Retry: m.c.LoginPause}, cause)
}

// with lends a session of the token, and takes the token up again if it was away: once at once, since a session that
// died of a restart is found out by its first use.
func (m *Module) with(ctx context.Context, do func(*link, session) error) error {
	ctx, cancel := context.WithTimeout(ctx, m.c.Wait)
	defer cancel()
	err := m.once(ctx, do)
	if errors.Is(err, errGone) && ctx.Err() == nil {
		err = m.once(ctx, do)
	}
	if errors.Is(err, errGone) || errors.Is(err, errBusy) || errors.Is(err, errPIN) || errors.Is(err, errClosed) || errors.Is(err, context.DeadlineExceeded) {
		return m.away(err)
	}
	return err
}

func (m *Module) once(ctx context.Context, do func(*link, session) error) error {
	select {
	case m.slots <- struct{}{}:
		defer func() { <-m.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	l, err := m.reached(ctx)
	if err != nil {
		return err
	}
	defer l.users.Done()
	s, err := l.session()
	if err == nil {
		err = do(l, s)
		l.rest(s, err)
	}
	if errors.Is(err, errGone) {
		m.drop(l, err)
	}
	return err
}

// reached gives the way to the token, with one more user of it; the first who needs it goes, the others wait.
func (m *Module) reached(ctx context.Context) (*link, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.link == nil || m.refused != nil {
		if m.refused != nil {
			return nil, m.refused
		}
		a := m.attempt
		if a == nil {
			if wait := time.Until(m.nextTry); wait > 0 {
				return nil, fmt.Errorf("%w; it is tried again in %s", errGone, wait.Round(time.Second))
			}
			a = &attempt{done: make(chan struct{})}
			m.attempt = a
			go m.reach(a)
		}
		m.mu.Unlock()
		select {
		case <-a.done:
		case <-ctx.Done():
		}
		m.mu.Lock()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if a.err != nil {
			return nil, a.err
		}
	}
	m.link.users.Add(1)
	return m.link, nil
}

// reach opens the library, finds the token and logs in.
func (m *Module) reach(a *attempt) {
	m.mu.Lock()
	closing := m.closing
	m.mu.Unlock()
	if closing != nil {
		<-closing
	}
	l, err := m.connect()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.attempt = nil
	if err == nil && m.refused != nil { // closed meanwhile
		l.close()
		err = m.refused
	}
	if err != nil {
		a.err = err
		m.nextTry = time.Now().Add(m.c.Retry)
	} else {
		m.link = l
		m.c.Log.Info("hsm: logged in to the token", "token", m.c.Token)
	}
	close(a.done)
}

func (m *Module) connect() (*link, error) {
	t, err := m.library.connect(m.c.Token, m.c.Serial)
	if err != nil {
		return nil, err
	}
	if err := m.login(t); err != nil {
		t.close()
		return nil, err
	}
	return newLink(t, m.c.Sessions), nil
}

// login spends at most one try of the PIN in each pause, and none after one was refused.
func (m *Module) login(t token) error {
	if err := m.mayLogin(t.pin()); err != nil {
		return err
	}
	err := t.login(m.c.PIN)
	if errors.Is(err, errPIN) {
		m.refuse(fmt.Errorf("%w; it is not tried again before a restart with the right one", err))
	}
	return err
}

// mayLogin counts the try before it is made.
func (m *Module) mayLogin(p pinState) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.refused != nil:
		return m.refused
	case p.locked:
		return fmt.Errorf("%w: it is locked; its security officer unlocks it", errPIN)
	case p.finalTry:
		return fmt.Errorf("%w before, and locks itself at the next wrong one; log in once by hand with the right one", errPIN)
	case p.countLow && m.c.Cautious:
		return fmt.Errorf("%w lately, and this verb does not try it", errPIN)
	}
	if wait := time.Until(m.nextLogin); wait > 0 {
		return fmt.Errorf("%w; the next login is in %s", errGone, wait.Round(time.Second))
	}
	m.nextLogin = time.Now().Add(m.c.LoginPause)
	return nil
}

func (m *Module) refuse(why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refused == nil {
		m.refused = why
	}
}

// drop lets go of a way that is broken. It is closed when its last user has left; only then is another one opened,
// since a library is initialised once in a process.
func (m *Module) drop(l *link, why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.link != l {
		return
	}
	m.link = nil
	closed := make(chan struct{})
	m.closing = closed
	if !errors.Is(why, errClosed) {
		m.c.Log.Warn("hsm: the token is let go of", "token", m.c.Token, "why", why)
	}
	go func() {
		l.users.Wait()
		l.close()
		close(closed)
	}()
}
