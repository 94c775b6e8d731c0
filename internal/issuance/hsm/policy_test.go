package hsm

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// played plays a token that counts PINs, locks itself, loses sessions, hangs and signs badly, which no real one can be
// asked to do. Keys and signatures are real.
type played struct {
	mu       sync.Mutex
	rightPIN string
	state    pinState
	logins   []time.Time
	gone     bool // for every call
	deaf     bool // sessions die, and a new login helps
	bad      bool // signatures are wrong
	hang     chan struct{}
	busy     bool
	open     int // sessions
	most     int
	keys     map[string]*ecdsa.PrivateKey
	rival    func() // called while a key is made
}

func newPlayed() *played { return &played{rightPIN: "1", keys: map[string]*ecdsa.PrivateKey{}} }

func (p *played) connect(string, string) (token, error) {
	if p.is(&p.gone) {
		return nil, errGone
	}
	return playedToken{p}, nil
}

func (p *played) is(what *bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return *what
}

func (p *played) set(what *bool, value bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*what = value
}

func (p *played) tries() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.logins)
}

type playedToken struct{ *played }

func (p playedToken) pin() pinState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

func (p playedToken) login(pin string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.logins = append(p.logins, time.Now())
	if pin != p.rightPIN {
		return errPIN
	}
	p.deaf = false
	return nil
}

func (p playedToken) close() {}

func (p playedToken) open() (session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy {
		return nil, errBusy
	}
	if p.gone || p.deaf {
		return nil, errGone
	}
	p.played.open++
	p.most = max(p.most, p.played.open)
	return &playedSession{p.played}, nil
}

type playedSession struct{ p *played }

func (s *playedSession) close() {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.open--
}

func (s *playedSession) alive() error {
	if s.p.is(&s.p.gone) || s.p.is(&s.p.deaf) {
		return errGone
	}
	return nil
}

func (s *playedSession) holds(object) error { return s.alive() }

func (s *playedSession) find(label string) (found []object, err error) {
	if err := s.alive(); err != nil {
		return nil, err
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	for id, key := range s.p.keys {
		if name, _, _ := strings.Cut(id, "/"); name == label {
			found = append(found, object{id: []byte(id[len(label)+1:]), public: key.Public(), guarded: true, private: 1, other: 2})
		}
	}
	return found, nil
}

func (s *playedSession) make(label string, id []byte, _ issuance.Algorithm) error {
	key, err := issuance.GenerateKey(issuance.ECP256)
	if err != nil {
		return err
	}
	s.p.mu.Lock()
	rival := s.p.rival
	s.p.rival = nil
	s.p.keys[label+"/"+string(id)] = key.(*ecdsa.PrivateKey)
	s.p.mu.Unlock()
	if rival != nil {
		rival()
	}
	return nil
}

func (s *playedSession) destroy(o object) error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	for id := range s.p.keys {
		if strings.HasSuffix(id, "/"+string(o.id)) {
			delete(s.p.keys, id)
		}
	}
	return nil
}

func (s *playedSession) sign(o object, digest []byte, _ crypto.Hash) ([]byte, error) {
	if s.p.hang != nil {
		<-s.p.hang
	}
	if err := s.alive(); err != nil {
		return nil, err
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	for _, key := range s.p.keys {
		if key.Public().(*ecdsa.PublicKey).Equal(o.public) {
			if s.p.bad {
				digest = make([]byte, len(digest))
			}
			return ecdsa.SignASN1(rand.Reader, key, digest)
		}
	}
	return nil, errGone
}

func module(p *played, change ...func(*Config)) *Module {
	c := Config{Token: "t", PIN: "1", Sessions: 2, Log: slog.New(slog.DiscardHandler)}
	for _, one := range change {
		one(&c)
	}
	return over(p, c)
}

func sign(key issuance.Signer) error {
	digest := sha256.Sum256([]byte("x"))
	_, err := key.Sign(nil, digest[:], crypto.SHA256)
	return err
}

func made(t *testing.T, m *Module) issuance.Signer {
	t.Helper()
	key, err := m.Make(t.Context(), "k", issuance.ECP256)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestARefusedPINIsNeverTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlayed()
		m := module(p, func(c *Config) { c.PIN = "wrong" })
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = m.Run(ctx) }()
		for range 100 {
			if _, err := m.Open(t.Context(), "k"); !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "wrong\"") {
				t.Fatal(err)
			}
			time.Sleep(time.Hour) //nolint:forbidigo // the bubble's time
		}
		cancel()
		if p.tries() != 1 {
			t.Errorf("the PIN was tried %d times", p.tries())
		}
	})
}

func TestAPINIsNotTriedWhereItMayLock(t *testing.T) {
	for name, state := range map[string]pinState{"locked": {locked: true}, "final try": {countLow: true, finalTry: true}} {
		p := newPlayed()
		p.state = state
		if _, err := module(p).Open(t.Context(), "k"); !fault.Is(err, fault.Unavailable) || p.tries() != 0 {
			t.Errorf("%s: %d tries, %v", name, p.tries(), err)
		}
	}
	p := newPlayed()
	p.state = pinState{countLow: true}
	if _, err := module(p, func(c *Config) { c.Cautious = true }).Open(t.Context(), "k"); !fault.Is(err, fault.Unavailable) || p.tries() != 0 {
		t.Errorf("beside a server: %d tries, %v", p.tries(), err)
	}
	if _, err := module(p).Open(t.Context(), "k"); !errors.Is(err, fs.ErrNotExist) || p.tries() != 1 {
		t.Errorf("the server itself: %d tries, %v", p.tries(), err)
	}
}

func TestATokenThatFlapsIsLoggedInToOnceInEachPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlayed()
		m := module(p)
		key := made(t, m)
		good := 0
		for range 600 {
			p.set(&p.deaf, true)
			if sign(key) == nil {
				good++
			}
			time.Sleep(time.Second / 10) //nolint:forbidigo // the bubble's time
		}
		for i, at := range p.logins[1:] {
			if pause := at.Sub(p.logins[i]); pause < m.c.LoginPause {
				t.Errorf("two logins within %s", pause)
			}
		}
		if n := p.tries(); n < 5 || n > 7 || good < 4 {
			t.Errorf("%d logins and %d signatures in a minute", n, good)
		}
		time.Sleep(m.c.LoginPause) //nolint:forbidigo // the bubble's time
		if err := sign(key); err != nil {
			t.Errorf("the token is quiet again: %v", err)
		}
	})
}

func TestABadTestSignatureStopsSigningUntilOneIsGood(t *testing.T) {
	p := newPlayed()
	m := module(p)
	key := made(t, m)
	p.set(&p.bad, true)
	if h := m.Test(t.Context()); !errors.Is(h.Err, errSelfTest) || h.Keys != 0 {
		t.Errorf("%+v", h)
	}
	p.set(&p.bad, false)
	if err := sign(key); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a module that signed badly is used: %v", err)
	}
	if err := key.(*Key).Ready(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a module that signed badly is ready: %v", err)
	}
	if h := m.Test(t.Context()); h.Err != nil || h.Keys != 1 || m.Health() != h {
		t.Errorf("%+v", h)
	}
	if err := sign(key); err != nil {
		t.Error(err)
	}
}

// A self-test that meets no token finds nothing, neither good nor bad.
func TestABadTestSignatureIsNotForgottenWhileTheTokenIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlayed()
		m := module(p)
		key := made(t, m)
		p.set(&p.bad, true)
		if h := m.Test(t.Context()); !errors.Is(h.Err, errSelfTest) {
			t.Errorf("%+v", h)
		}
		p.set(&p.bad, false)
		p.set(&p.gone, true)
		if h := m.Test(t.Context()); !errors.Is(h.Err, errGone) {
			t.Errorf("%+v", h)
		}
		p.set(&p.gone, false)
		time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time: no pause between logins stands in the way
		if err := sign(key); !errors.Is(err, errSelfTest) {
			t.Errorf("a module that signed badly is used once it is back: %v", err)
		}
		if h := m.Test(t.Context()); h.Err != nil {
			t.Errorf("%+v", h)
		}
		if err := sign(key); err != nil {
			t.Error(err)
		}
	})
}

func TestTheSelfTestIsMadeEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlayed()
		m := module(p)
		made(t, m)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = m.Run(ctx) }()
		defer cancel()
		for i := range 10 {
			time.Sleep(time.Minute) //nolint:forbidigo // the bubble's time
			synctest.Wait()
			if h := m.Health(); h.Err != nil || time.Since(h.At) > time.Minute {
				t.Fatalf("minute %d: %+v", i, h)
			}
		}
		p.set(&p.gone, true)
		time.Sleep(time.Minute + time.Second) //nolint:forbidigo // the bubble's time
		if h := m.Health(); !fault.Is(h.Err, fault.Unavailable) {
			t.Fatalf("%+v", h)
		}
		p.set(&p.gone, false)
		time.Sleep(2*m.c.LoginPause + time.Second) //nolint:forbidigo // the bubble's time
		if h := m.Health(); h.Err != nil {
			t.Fatalf("it found its way back too late: %+v", h)
		}
	})
}

func TestALibraryThatHangsHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlayed()
		m := module(p)
		key := made(t, m)
		p.hang = make(chan struct{})
		var stuck sync.WaitGroup
		for range m.c.Sessions {
			stuck.Go(func() { _ = sign(key) })
		}
		synctest.Wait()
		start := time.Now()
		if err := sign(key); !fault.Is(err, fault.Unavailable) || time.Since(start) > m.c.Wait {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		if h := m.Test(t.Context()); !fault.Is(h.Err, fault.Unavailable) {
			t.Errorf("%+v", h)
		}
		close(p.hang)
		stuck.Wait()
		if err := sign(key); err != nil {
			t.Error(err)
		}
	})
}

func TestSessionsAreNeverMoreThanWereAskedFor(t *testing.T) {
	p := newPlayed()
	m := module(p, func(c *Config) { c.Sessions = 3 })
	key := made(t, m)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 10 {
				if err := sign(key); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if p.most > 3 {
		t.Errorf("%d sessions at a time", p.most)
	}
}

func TestATokenWithoutASessionToSpareIsUnavailableAndKept(t *testing.T) {
	p := newPlayed()
	p.busy = true
	m := module(p)
	for range 3 {
		if _, err := m.Open(t.Context(), "k"); !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
	}
	if p.tries() != 1 {
		t.Errorf("%d logins", p.tries())
	}
}

func TestOfTwoProcessesThatMakeAKeyOneTakesTheirsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlayed()
		first, second := module(p), module(p)
		var theirs issuance.Signer
		p.rival = func() { // the other one looked before ours was there
			key, _ := issuance.GenerateKey(issuance.ECP256)
			p.mu.Lock()
			p.keys["k/other"] = key.(*ecdsa.PrivateKey)
			p.mu.Unlock()
			theirs, _ = issuance.NewSigner(key)
		}
		ours := made(t, first)
		if len(p.keys) != 1 || !ours.Public().(*ecdsa.PublicKey).Equal(theirs.Public()) {
			t.Errorf("%d keys", len(p.keys))
		}
		if again := made(t, second); !again.Public().(*ecdsa.PublicKey).Equal(theirs.Public()) {
			t.Error("the two have different keys")
		}
	})
}

func TestWithoutPKCS11TheProgramSaysHowToBuildIt(t *testing.T) {
	_, err := New(Config{Library: "/nonexistent.so", Token: "t", PIN: "1"})
	if err == nil || !Built && !strings.Contains(err.Error(), "-tags pkcs11") {
		t.Error(err)
	}
	if _, err := New(Config{}); err == nil {
		t.Error("nothing was named, and it opened")
	}
}
