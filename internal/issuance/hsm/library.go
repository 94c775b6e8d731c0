//go:build pkcs11 && cgo

package hsm

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"

	"github.com/miekg/pkcs11"
	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"

	"chancela/internal/issuance"
)

// Built says whether this program can speak PKCS#11.
const Built = true

// loaded is a library that was loaded; it stays so until the process ends, since unloading C code that may have threads
// of its own ends badly.
type loaded struct{ *pkcs11.Ctx }

func load(path string) (library, error) {
	c := pkcs11.New(path)
	if c == nil {
		return nil, fmt.Errorf("the library %s cannot be loaded", path)
	}
	return loaded{c}, nil
}

// connect implements [library].
func (m loaded) connect(label, serial string) (token, error) {
	if err := m.Initialize(); err != nil {
		return nil, judge("initialise the library", err)
	}
	slot, err := m.slotOf(label, serial)
	if err != nil {
		_ = m.Finalize()
		return nil, err
	}
	t := &present{m: m, slot: slot}
	if t.keep, err = m.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION); err != nil {
		_ = m.Finalize()
		return nil, judge("open a session", err)
	}
	return t, nil
}

// slotOf finds the one slot whose token has the label and, if one is given, the serial number.
func (m loaded) slotOf(label, serial string) (uint, error) {
	slots, err := m.GetSlotList(true)
	if err != nil {
		return 0, judge("list the slots", err)
	}
	var found []uint
	for _, slot := range slots {
		info, err := m.GetTokenInfo(slot)
		if err != nil { // of another token, which is none of our business
			continue
		}
		if info.Label == label && (serial == "" || info.SerialNumber == serial) {
			found = append(found, slot)
		}
	}
	switch len(found) {
	case 0:
		return 0, fmt.Errorf("%w: no token has the label %s and the serial number asked for", errGone, label)
	case 1:
		return found[0], nil
	}
	return 0, fmt.Errorf("%w: %d tokens have the label %s; name the serial number", errGone, len(found), label)
}

// present is a token with the session that keeps its login alive.
type present struct {
	m    loaded
	slot uint
	keep pkcs11.SessionHandle
}

// pin implements [token].
func (t *present) pin() pinState {
	info, err := t.m.GetTokenInfo(t.slot)
	if err != nil {
		return pinState{}
	}
	return pinState{
		countLow: info.Flags&pkcs11.CKF_USER_PIN_COUNT_LOW != 0,
		finalTry: info.Flags&pkcs11.CKF_USER_PIN_FINAL_TRY != 0,
		locked:   info.Flags&pkcs11.CKF_USER_PIN_LOCKED != 0,
	}
}

// login implements [token].
func (t *present) login(pin string) error {
	return judge("log in", t.m.Login(t.keep, pkcs11.CKU_USER, pin))
}

// open implements [token].
func (t *present) open() (session, error) {
	h, err := t.m.OpenSession(t.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		return nil, judge("open a session", err)
	}
	return &work{m: t.m, h: h, slot: t.slot}, nil
}

// close implements [token].
func (t *present) close() {
	_ = t.m.Logout(t.keep)
	_ = t.m.CloseSession(t.keep)
	_ = t.m.Finalize()
}

// work is a session that somebody works with.
type work struct {
	m    loaded
	h    pkcs11.SessionHandle
	slot uint
}

func (w *work) close() { _ = w.m.CloseSession(w.h) }

// alive implements [session].
func (w *work) alive() error {
	if _, err := w.m.GetTokenInfo(w.slot); err != nil {
		return judge("ask for the token", err)
	}
	info, err := w.m.GetSessionInfo(w.h)
	if err != nil {
		return judge("ask for the session", err)
	}
	if info.State != pkcs11.CKS_RW_USER_FUNCTIONS && info.State != pkcs11.CKS_RO_USER_FUNCTIONS {
		return fmt.Errorf("%w: the login is gone", errGone)
	}
	return nil
}

// holds implements [session].
func (w *work) holds(o object) error {
	read, err := w.m.GetAttributeValue(w.h, pkcs11.ObjectHandle(o.private), []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_ID, nil)})
	if err != nil {
		return judge("ask for a key", err)
	}
	if !bytes.Equal(read[0].Value, o.id) {
		return fmt.Errorf("%w: the key's handle means another key", errGone)
	}
	return nil
}

// judge sorts what a call gave: the PIN, the token's being gone, a session too many, or a refusal of that call.
func judge(what string, err error) error {
	if err == nil {
		return nil
	}
	code, ok := errors.AsType[pkcs11.Error](err)
	if !ok {
		return fmt.Errorf("%s: %w", what, err)
	}
	var kind error
	switch code {
	case pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE,
		pkcs11.CKR_USER_PIN_NOT_INITIALIZED, pkcs11.CKR_USER_TYPE_INVALID:
		kind = errPIN
	case pkcs11.CKR_SESSION_COUNT:
		kind = errBusy
	case pkcs11.CKR_MECHANISM_INVALID, pkcs11.CKR_MECHANISM_PARAM_INVALID, pkcs11.CKR_DATA_LEN_RANGE, pkcs11.CKR_DATA_INVALID,
		pkcs11.CKR_TEMPLATE_INCOMPLETE, pkcs11.CKR_TEMPLATE_INCONSISTENT, pkcs11.CKR_ATTRIBUTE_TYPE_INVALID, pkcs11.CKR_ATTRIBUTE_VALUE_INVALID,
		pkcs11.CKR_ATTRIBUTE_READ_ONLY, pkcs11.CKR_ATTRIBUTE_SENSITIVE, pkcs11.CKR_KEY_SIZE_RANGE, pkcs11.CKR_KEY_TYPE_INCONSISTENT,
		pkcs11.CKR_KEY_FUNCTION_NOT_PERMITTED, pkcs11.CKR_TOKEN_WRITE_PROTECTED, pkcs11.CKR_DOMAIN_PARAMS_INVALID:
		return fmt.Errorf("%s: %w", what, code)
	default: // device, session, handle, general errors: nothing is lost by opening everything anew
		kind = errGone
	}
	return fmt.Errorf("%w: %s: %w", kind, what, code)
}

// find implements [session].
func (w *work) find(label string) ([]object, error) {
	private, err := w.handles(pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label))
	if err != nil {
		return nil, err
	}
	found := make([]object, len(private))
	for i, h := range private {
		if found[i], err = w.object(h); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (w *work) handles(template ...*pkcs11.Attribute) ([]pkcs11.ObjectHandle, error) {
	if err := w.m.FindObjectsInit(w.h, template); err != nil {
		return nil, judge("look for keys", err)
	}
	const most = 16 // more of one label than anybody could explain
	found, _, err := w.m.FindObjects(w.h, most)
	if err := errors.Join(judge("look for keys", err), judge("look for keys", w.m.FindObjectsFinal(w.h))); err != nil {
		return nil, err
	}
	return found, nil
}

// object reads a private key's attributes and finds its public half, by the id that both have.
func (w *work) object(h pkcs11.ObjectHandle) (object, error) {
	read, err := w.m.GetAttributeValue(w.h, h, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_ID, nil), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, nil),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, nil), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, nil),
	})
	if err != nil {
		return object{}, judge("read a key's attributes", err)
	}
	o := object{id: read[0].Value, private: uint(h), guarded: isTrue(read[2].Value) && isFalse(read[3].Value)}
	public, err := w.handles(pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY), pkcs11.NewAttribute(pkcs11.CKA_ID, o.id))
	if err != nil || len(public) != 1 || len(o.id) == 0 {
		return o, err
	}
	o.other = uint(public[0])
	if o.public, err = w.public(public[0], read[1].Value); err != nil {
		return o, err
	}
	return o, nil
}

func isTrue(value []byte) bool  { return bytes.Equal(value, []byte{1}) }
func isFalse(value []byte) bool { return bytes.Equal(value, []byte{0}) }

func (w *work) public(h pkcs11.ObjectHandle, kind []byte) (crypto.PublicKey, error) {
	switch {
	case isType(kind, pkcs11.CKK_EC):
		read, err := w.m.GetAttributeValue(w.h, h, []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, nil), pkcs11.NewAttribute(pkcs11.CKA_EC_POINT, nil),
		})
		if err != nil {
			return nil, judge("read a public key", err)
		}
		return ecKey(read[0].Value, read[1].Value)
	case isType(kind, pkcs11.CKK_RSA):
		read, err := w.m.GetAttributeValue(w.h, h, []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_MODULUS, nil), pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, nil),
		})
		if err != nil {
			return nil, judge("read a public key", err)
		}
		exponent := new(big.Int).SetBytes(read[1].Value)
		if exponent.BitLen() > 31 {
			return nil, errors.New("the exponent of a public key is too large")
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(read[0].Value), E: int(exponent.Int64())}, nil
	}
	return nil, errors.New("a key is neither EC nor RSA")
}

// isType compares a CK_KEY_TYPE, which is a CK_ULONG of the machine: 4 or 8 bytes in its own order.
func isType(value []byte, kind uint) bool {
	switch len(value) {
	case 8:
		return binary.NativeEndian.Uint64(value) == uint64(kind)
	case 4:
		return uint64(binary.NativeEndian.Uint32(value)) == uint64(kind)
	}
	return false
}

// curves are the named curves by their parameters as PKCS#11 has them: the OBJECT IDENTIFIER in DER.
func curves() map[issuance.Algorithm]struct {
	oid   asn1.ObjectIdentifier
	curve elliptic.Curve
} {
	return map[issuance.Algorithm]struct {
		oid   asn1.ObjectIdentifier
		curve elliptic.Curve
	}{
		issuance.ECP256: {asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}, elliptic.P256()},
		issuance.ECP384: {asn1.ObjectIdentifier{1, 3, 132, 0, 34}, elliptic.P384()},
		issuance.ECP521: {asn1.ObjectIdentifier{1, 3, 132, 0, 35}, elliptic.P521()},
	}
}

// ecKey reads a point: an OCTET STRING in DER as the standard has it, or bare as some modules do.
func ecKey(params, point []byte) (crypto.PublicKey, error) {
	var oid asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(params, &oid); err != nil {
		return nil, fmt.Errorf("parameters of a public key: %w", err)
	}
	for _, c := range curves() {
		if !c.oid.Equal(oid) {
			continue
		}
		var inner []byte
		if rest, err := asn1.Unmarshal(point, &inner); err == nil && len(rest) == 0 {
			point = inner
		}
		return ecdsa.ParseUncompressedPublicKey(c.curve, point)
	}
	return nil, fmt.Errorf("a key is on a curve we do not use: %s", oid)
}

// make implements [session]. The private half is made to sign and for nothing else, is never shown (CKA_SENSITIVE) and
// never leaves, wrapped or not (CKA_EXTRACTABLE).
func (w *work) make(label string, id []byte, a issuance.Algorithm) error {
	both := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label), pkcs11.NewAttribute(pkcs11.CKA_ID, id),
	}
	public := append([]*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_VERIFY, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, false)}, both...)
	private := append([]*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_SIGN, true), pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, false), pkcs11.NewAttribute(pkcs11.CKA_UNWRAP, false),
		pkcs11.NewAttribute(pkcs11.CKA_DERIVE, false),
	}, both...)
	mechanism := uint(pkcs11.CKM_EC_KEY_PAIR_GEN)
	if c, ok := curves()[a]; ok {
		oid, err := asn1.Marshal(c.oid)
		if err != nil {
			return err
		}
		public = append(public, pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, oid))
	} else {
		bits, ok := map[issuance.Algorithm]int{issuance.RSA3072: 3072, issuance.RSA4096: 4096}[a]
		if !ok {
			return fmt.Errorf("%w: no key of the kind %s is made on a token", errHarmless, a)
		}
		mechanism = pkcs11.CKM_RSA_PKCS_KEY_PAIR_GEN
		public = append(public, pkcs11.NewAttribute(pkcs11.CKA_MODULUS_BITS, bits), pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, []byte{1, 0, 1}))
	}
	_, _, err := w.m.GenerateKeyPair(w.h, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)}, public, private)
	return judge("make a key", err)
}

// destroy implements [session].
func (w *work) destroy(o object) error {
	err := w.m.DestroyObject(w.h, pkcs11.ObjectHandle(o.private))
	if o.other != 0 {
		err = errors.Join(err, w.m.DestroyObject(w.h, pkcs11.ObjectHandle(o.other)))
	}
	return judge("destroy a key", err)
}

// sign implements [session].
func (w *work) sign(o object, digest []byte, h crypto.Hash) ([]byte, error) {
	switch public := o.public.(type) {
	case *ecdsa.PublicKey:
		// FIPS 186-5 §6.4.1: the leftmost bits of a longer digest; modules differ in whether they do it themselves.
		digest = digest[:min(len(digest), (public.Curve.Params().BitSize+7)/8)]
		raw, err := w.raw(o, pkcs11.CKM_ECDSA, digest)
		if err != nil {
			return nil, err
		}
		return ecdsaDER(raw)
	case *rsa.PublicKey:
		info, err := digestInfo(digest, h)
		if err != nil {
			return nil, err
		}
		return w.raw(o, pkcs11.CKM_RSA_PKCS, info)
	}
	return nil, fmt.Errorf("%w: no mechanism for a key of type %T", errHarmless, o.public)
}

// ecdsaDER writes a signature that a token gave, both numbers at full length (PKCS#11 v2.40 §2.3.1), as certificates have
// it: SEQUENCE of two INTEGER.
func ecdsaDER(raw []byte) ([]byte, error) {
	if len(raw) == 0 || len(raw)%2 != 0 {
		return nil, errors.New("the token gave a signature of an odd length")
	}
	half := len(raw) / 2
	b := cryptobyte.NewFixedBuilder(make([]byte, 0, len(raw)+16)) // two zeros at most, and four heads
	b.AddASN1(casn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(raw[:half]))
		b.AddASN1BigInt(new(big.Int).SetBytes(raw[half:]))
	})
	return b.Bytes()
}

func (w *work) raw(o object, mechanism uint, data []byte) ([]byte, error) {
	if err := w.m.SignInit(w.h, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)}, pkcs11.ObjectHandle(o.private)); err != nil {
		return nil, judge("sign", err)
	}
	signature, err := w.m.Sign(w.h, data)
	return signature, judge("sign", err)
}

// digestInfo is what PKCS#1 v1.5 signs (RFC 8017 §9.2): CKM_RSA_PKCS pads it, and adds nothing else.
func digestInfo(digest []byte, h crypto.Hash) ([]byte, error) {
	oids := map[crypto.Hash]asn1.ObjectIdentifier{
		crypto.SHA256: {2, 16, 840, 1, 101, 3, 4, 2, 1}, crypto.SHA384: {2, 16, 840, 1, 101, 3, 4, 2, 2}, crypto.SHA512: {2, 16, 840, 1, 101, 3, 4, 2, 3},
	}
	oid, ok := oids[h]
	if !ok {
		return nil, fmt.Errorf("%w: no signature over %s", errHarmless, h)
	}
	type algorithm struct {
		OID        asn1.ObjectIdentifier
		Parameters asn1.RawValue
	}
	return asn1.Marshal(struct {
		Algorithm algorithm
		Digest    []byte
	}{algorithm{oid, asn1.NullRawValue}, digest})
}
