package hsm

import (
	"crypto"
	"errors"
	"sync"

	"chancela/internal/issuance"
)

// library is what this room needs of a PKCS#11 library. Its errors wrap [errGone], [errBusy] and [errPIN]; it never
// waits or tries again by itself.
type library interface {
	// connect initialises the library and finds the token; it does not log in.
	connect(label, serial string) (token, error)
}

// token is one that was found.
type token interface {
	// pin says what the token says of its PIN, without trying it.
	pin() pinState
	login(pin string) error
	open() (session, error)
	// close logs out and finalises the library.
	close()
}

// pinState are the token's flags: CKF_USER_PIN_COUNT_LOW, …_FINAL_TRY, …_LOCKED (PKCS#11 v2.40 §3.2).
type pinState struct{ countLow, finalTry, locked bool }

// session is used by one caller at a time.
type session interface {
	// find gives every private key of a label, each with its public half.
	find(label string) ([]object, error)
	// make generates a key pair under that label and id.
	make(label string, id []byte, a issuance.Algorithm) error
	destroy(object) error
	// sign signs a digest: an ECDSA signature in DER, or PKCS#1 v1.5.
	sign(object, []byte, crypto.Hash) ([]byte, error)
	// holds asks the token whether a key that was found is still there.
	holds(object) error
	// alive asks the token something that only a token that is there answers.
	alive() error
	close()
}

// object is a key pair on the token, as long as the login lasts.
type object struct {
	id      []byte
	public  crypto.PublicKey // nil if there is a private half only
	guarded bool             // sensitive, and cannot be taken out
	private uint
	other   uint // the public half
}

// link is a login to the token, with its sessions at rest.
type link struct {
	token
	users sync.WaitGroup
	idle  chan session

	mu      sync.Mutex
	objects map[string]object
}

func newLink(t token, sessions int) *link {
	return &link{token: t, idle: make(chan session, sessions), objects: map[string]object{}}
}

// session takes one that rests, or opens one; there are never more than [Config.Sessions].
func (l *link) session() (session, error) {
	select {
	case s := <-l.idle:
		return s, nil
	default:
		return l.open()
	}
}

// rest keeps a session for the next. One on which something failed may have an operation under way, and is closed.
func (l *link) rest(s session, err error) {
	if err != nil && !errors.Is(err, errHarmless) {
		s.close()
		return
	}
	select {
	case l.idle <- s:
	default:
		s.close()
	}
}

// errHarmless marks what went wrong on our side of a session.
var errHarmless = errors.New("nothing was asked of the token")

func (l *link) known(name string) (object, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o, ok := l.objects[name]
	return o, ok
}

func (l *link) remember(name string, o object) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.objects[name] = o
}

func (l *link) forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.objects, name)
}

// close ends the sessions at rest, and the login.
func (l *link) close() {
	for {
		select {
		case s := <-l.idle:
			s.close()
		default:
			l.token.close()
			return
		}
	}
}
