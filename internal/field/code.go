package field

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Crockford's base32: no I, L, O, U. The check symbol has five letters more, for the values 32 to 36.
const (
	crockford      = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	crockfordCheck = crockford + "*~$=U"
	codeSymbols    = 12
)

// NewCode draws a verification code from random: twelve symbols (60 bits) and a check symbol, as
// XXXX-XXXX-XXXX-X.
//
// It draws again while the check symbol would be one of * ~ $ =, which readers of mail cut off links and nobody
// can dictate; that costs a fifth of a bit.
func NewCode(random io.Reader) (string, error) {
	for range 100 {
		var b [8]byte
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return "", fmt.Errorf("draw verification code: %w", err)
		}
		n := binary.BigEndian.Uint64(b[:]) >> 4
		if check := crockfordCheck[n%37]; strings.IndexByte("*~$=", check) < 0 {
			return group(symbols(n) + string(check)), nil
		}
	}
	return "", errors.New("draw verification code: the source is not random")
}

// ParseCode reads a verification code as people copy it: any case, with or without hyphens, I and L for 1, O
// for 0. What has another shape is E-COD-01, what was mistyped E-COD-02. Comparing it with a stored one in
// constant time is the caller's.
func ParseCode(typed string) (string, error) {
	if len(typed) > 256 {
		return "", refuse("E-COD-01")
	}
	s := strings.ToUpper(bare(typed, "-–"))
	if s == "" {
		return "", refuse("E-GER-01")
	}
	s = strings.NewReplacer("I", "1", "L", "1", "O", "0").Replace(s)
	if len(s) != codeSymbols+1 || strings.IndexByte(crockfordCheck, s[codeSymbols]) < 0 {
		return "", refuse("E-COD-01")
	}
	var n uint64
	for i := range codeSymbols {
		v := strings.IndexByte(crockford, s[i])
		if v < 0 {
			return "", refuse("E-COD-01")
		}
		n = n<<5 | uint64(v)
	}
	if crockfordCheck[n%37] != s[codeSymbols] {
		return "", refuse("E-COD-02")
	}
	return group(s), nil
}

func symbols(n uint64) string {
	var s [codeSymbols]byte
	for i := range s {
		s[codeSymbols-1-i] = crockford[n&31]
		n >>= 5
	}
	return string(s[:])
}

func group(s string) string { return s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:] }
