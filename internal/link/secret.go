package link

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"chancela/internal/db"
)

const (
	idSize     = 16 // bytes of a row's random id
	macSize    = 16 // 128 bits of HMAC-SHA256
	secretSize = 52 // letters of idSize + macSize bytes
)

// letters is base32 in small letters without padding: no letter of it needs escaping in an address, and none is
// changed by a mail program that meddles with capitals, since we then refuse it rather than guess.
var letters = sync.OnceValue(func() *base32.Encoding {
	return base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
})

// secret is the row's id and a MAC over all that the row says.
func (l *Links) secret(k Link) (string, error) {
	id, err := letters().DecodeString(string(k.Ref))
	if err != nil || len(id) != idSize {
		return "", fmt.Errorf("link %s: its id is not one of ours", k.Ref)
	}
	mac := l.mac("chancela link 1", string(k.Ref), string(k.Kind), k.Portal, k.Subject, db.Time(k.Expires))
	return letters().EncodeToString(append(id, mac[:macSize]...)), nil
}

// mac is an HMAC over texts, each behind its length. The first names what it is for.
func (l *Links) mac(texts ...string) []byte {
	h := hmac.New(sha256.New, l.key[:])
	for _, s := range texts {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(s)))
		h.Write(size[:])
		h.Write([]byte(s))
	}
	return h.Sum(nil)
}

// refOf reads the row's id from a secret, if it is written as we write secrets. The last letter carries one bit that
// counts and four that do not: another letter with the same first bit would decode to the same bytes, so the bytes
// are written again and compared.
func refOf(secret string) (Ref, bool) {
	if len(secret) != secretSize {
		return "", false
	}
	bytes, err := letters().DecodeString(secret)
	if err != nil || letters().EncodeToString(bytes) != secret {
		return "", false
	}
	return Ref(letters().EncodeToString(bytes[:idSize])), true
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// digits derives a code of six digits. 2^64 is so much more than a million that each code is as likely as another.
func (l *Links) digits(c code) string {
	mac := l.mac("chancela code 1", string(c.ref), string(c.kind), c.portal, c.subject, c.challenge, db.Time(c.expires))
	return fmt.Sprintf("%06d", binary.BigEndian.Uint64(mac)%1_000_000)
}

// The life of a code: contract of the confirmation code.
const (
	// CodeLife is how long a code is good.
	CodeLife = 10 * time.Minute
	// CodeTries is how often a code may be guessed.
	CodeTries = 5
)
