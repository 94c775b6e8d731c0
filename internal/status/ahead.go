package status

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"chancela/internal/ca"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// signatures keeps what was signed of answers about one certificate: the signature, when it was made and by which key.
// The rest of the answer follows from the register. What each says was true when it was made; it is found only while the
// register says the same, so a revocation needs to let go of nothing.
//
// A signature of a P-256 key takes 80 bytes: a million of answers 80 MB. It is safe for use by several at once.
type signatures struct {
	mu     sync.RWMutex
	planes map[planeOf]*plane
}

// planeOf is of which issuer's certificates, and by which hash they were asked about.
type planeOf struct {
	issuer string
	longer bool
}

// plane has room for a signature of each place of the register, in pieces that are made when they are needed.
type plane struct {
	size   int // of one: head and signature
	pieces [][]byte
}

const (
	perPiece = 4096
	headSize = 8 // made (4), turn (1), generation (1), length (2)
)

// made is a signature that is kept.
type made struct {
	at         time.Time // thisUpdate and producedAt
	turn       uint8
	generation uint8
	signature  []byte
}

func newSignatures() *signatures { return &signatures{planes: map[planeOf]*plane{}} }

// at gives the bytes of a place; nil where nothing is kept.
func (p *plane) at(place uint32) []byte {
	n := int(place - 1)
	if n/perPiece >= len(p.pieces) || p.pieces[n/perPiece] == nil {
		return nil
	}
	return p.pieces[n/perPiece][n%perPiece*p.size:][:p.size]
}

// find gives what is kept of a place; the signature is written to room.
func (s *signatures) find(of planeOf, place uint32, room []byte) (m made, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.planes[of]
	if p == nil || place == 0 {
		return m, false
	}
	kept := p.at(place)
	if kept == nil || kept[5] == 0 {
		return m, false
	}
	m.at = time.Unix(int64(binary.LittleEndian.Uint32(kept)), 0).UTC()
	m.turn, m.generation = kept[4], kept[5]
	m.signature = append(room, kept[headSize:][:binary.LittleEndian.Uint16(kept[6:])]...)
	return m, true
}

// keep keeps a signature of a place; longest is how long those of its key may be.
func (s *signatures) keep(of planeOf, place uint32, m made, longest int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.planes[of]
	if p == nil || p.size < headSize+longest { // another algorithm than before: what is kept is of little use
		p = &plane{size: headSize + longest}
		s.planes[of] = p
	}
	n := int(place-1) / perPiece
	for len(p.pieces) <= n {
		p.pieces = append(p.pieces, nil)
	}
	if p.pieces[n] == nil {
		p.pieces[n] = make([]byte, perPiece*p.size)
	}
	kept := p.at(place)
	binary.LittleEndian.PutUint32(kept, uint32(m.at.Unix()))
	kept[4], kept[5] = m.turn, m.generation
	binary.LittleEndian.PutUint16(kept[6:], uint16(copy(kept[headSize:], m.signature)))
}

const (
	aheadPause = time.Second
	// aheadBudget is how much of each pause may be spent on signing ahead: a fifth of one core, some 1,000 answers.
	aheadBudget = 200 * time.Millisecond
	// aheadLook is how many certificates are looked at in a pause.
	aheadLook = 65536
	// bothHashes is up to how many certificates answers are signed ahead for the longer hash too. Above it those are
	// signed when they are asked for; nearly everybody asks by the shorter one.
	bothHashes = 100_000
	// signAgain is how long signing is left alone after it failed, while there is an answer that is still good.
	signAgain = 5 * time.Second
)

// Ahead signs the answers about everything that is in force before they are asked for, and again before half of their
// life is over, until ctx ends. So status goes on for at least half an answer's life while the responder's key cannot be
// reached, and a crowd of questions waits for no signature.
func (s *Service) Ahead(ctx context.Context) error {
	tick := time.NewTicker(aheadPause)
	defer tick.Stop()
	place := uint32(1)
	for {
		place = s.signSome(ctx, place)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// signSome signs what is due from a place on, as far as the budget goes, and gives the place to go on from.
func (s *Service) signSome(ctx context.Context, place uint32) uint32 {
	begun := time.Now()
	for range aheadLook {
		r, ok := s.c.CA.Registered(place)
		if !ok {
			return 1
		}
		if ctx.Err() != nil {
			return place
		}
		if !s.keys.resting(r.Issuer) {
			_ = s.signDue(ctx, r, s.c.CA.Now().Truncate(time.Second), place <= bothHashes) // told by signed; come to again in the next round
		}
		place++
		if time.Since(begun) > aheadBudget {
			break
		}
	}
	return place
}

// signDue signs the answers about one certificate that are missing, or have two fifths of their life behind them.
func (s *Service) signDue(ctx context.Context, r ca.Registered, now time.Time, both bool) error {
	if !r.Ends.After(now) {
		return nil
	}
	for _, longer := range []bool{false, true}[:1+btoi(both)] {
		of := planeOf{r.Issuer, longer}
		m, ok := s.signatures.find(of, r.Place, nil)
		if ok && m.turn == r.Turn && !now.Before(m.at) && now.Before(m.at.Add(s.c.CA.AnswerLife()*2/5)) {
			continue
		}
		form, _, known := s.c.CA.AnswerForm(r.Issuer, 0)
		if !known {
			continue
		}
		id, err := form.UsualID(r.Serial, longer)
		if err != nil {
			return err
		}
		r.AsOf = now
		if _, err := s.sign(ctx, r.Issuer, id, r.Known, now); err != nil {
			return err
		}
	}
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// failing remembers, by issuer, when signing failed last, so that nobody waits for a key that cannot be reached.
type failing struct {
	mu    sync.Mutex
	since map[string]time.Time
}

func newFailing() *failing { return &failing{since: map[string]time.Time{}} }

func (f *failing) resting(issuer string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, failed := f.since[issuer]
	return failed && time.Since(at) < signAgain
}

// note takes in how a signature went, and says whether that is news.
func (f *failing) note(issuer string, err error) (news bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, failed := f.since[issuer]
	if err == nil {
		delete(f.since, issuer)
	} else {
		f.since[issuer] = time.Now()
	}
	return failed != (err != nil)
}

// sign has an answer about one certificate signed, and keeps what can be given to others.
func (s *Service) sign(ctx context.Context, issuer string, id issuance.CertID, k ca.Known, now time.Time) (Reply, error) {
	status := s.statusOf(id, k, now)
	der, err := s.signed(ctx, issuer, []issuance.SingleStatus{status}, nil)
	if err != nil {
		return Reply{}, err
	}
	r := Reply{DER: der, Produced: now, Until: status.NextUpdate}
	if k.Standing == issuance.Unknown || k.Ends.IsZero() { // not issued, or not yet
		return r, nil
	}
	r.KeepFor = min(mostCached, s.c.CA.AnswerLife())
	if !s.keepSignature(issuer, status, k, now, der) {
		s.answers.keep(status, r)
	}
	return r, nil
}

// signed has an answer signed, and tells the operator once when that fails, and once when it works again.
func (s *Service) signed(ctx context.Context, issuer string, statuses []issuance.SingleStatus, nonce []byte) ([]byte, error) {
	der, err := s.c.CA.Answer(ctx, issuer, statuses, nonce)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if fault.Is(err, fault.Conflict) { // it changed between our look and the signer's: no outage, and the next question gets it
		return nil, fault.New(fault.Unavailable, "ca.changed-meanwhile")
	}
	switch news := s.keys.note(issuer, err); {
	case news && err != nil:
		s.c.Log.ErrorContext(ctx, "status: no OCSP answers are signed; those that are kept are given while they are good", "issuer", issuer, "error", err)
	case news:
		s.c.Log.InfoContext(ctx, "status: OCSP answers are signed again", "issuer", issuer)
	}
	return der, err
}

// keepSignature keeps an answer by its signature alone, if the rest follows from the register.
func (s *Service) keepSignature(issuer string, status issuance.SingleStatus, k ca.Known, now time.Time, der []byte) bool {
	usual, longer := status.ID.Usual()
	signature, err := issuance.SignatureOf(der)
	if err != nil || !usual || k.Place == 0 || status.Expired {
		return false
	}
	_, newest, _ := s.c.CA.AnswerForm(issuer, 0)
	for generation := newest; generation > 0 && newest-generation < 3; generation-- { // the key of one before may have signed
		form, _, ok := s.c.CA.AnswerForm(issuer, generation)
		if ok && string(form.Append(nil, status, signature)) == string(der) {
			s.signatures.keep(planeOf{issuer, longer}, k.Place, made{at: now, turn: k.Turn, generation: generation, signature: signature}, form.Longest())
			return true
		}
	}
	return false
}

// kept finds an answer that was signed before and is still true and good. Young ones have half of their life before
// them. What was made by a clock that ran ahead is not given.
func (s *Service) kept(issuer string, id issuance.CertID, k ca.Known, now time.Time) (r Reply, young, ok bool) {
	status := s.statusOf(id, k, now)
	usual, longer := id.Usual()
	if !usual || k.Place == 0 || status.Expired {
		return s.answers.find(status, now)
	}
	var room [mostSignature]byte
	m, ok := s.signatures.find(planeOf{issuer, longer}, k.Place, room[:0])
	if !ok || m.turn != k.Turn {
		return s.answers.find(status, now)
	}
	status.ThisUpdate, status.NextUpdate = m.at, m.at.Add(s.c.CA.AnswerLife())
	form, _, ok := s.c.CA.AnswerForm(issuer, m.generation)
	if !ok || now.Before(m.at) || !now.Before(status.NextUpdate) || now.After(form.Ends()) {
		return r, false, false
	}
	r = Reply{
		DER: form.Append(make([]byte, 0, mostAnswer), status, m.signature), Produced: m.at, Until: status.NextUpdate,
		KeepFor: min(mostCached, status.NextUpdate.Sub(now)),
	}
	return r, now.Sub(m.at) <= s.c.CA.AnswerLife()/2, true
}

const (
	mostSignature = 512
	mostAnswer    = 1536 // of a P-256 responder they have some 1,000 bytes
)

// statusOf is what is said of a certificate now.
func (s *Service) statusOf(id issuance.CertID, k ca.Known, now time.Time) issuance.SingleStatus {
	from := now
	if k.AsOf.Before(now) { // the database does not answer: this was known then
		from = k.AsOf.Truncate(time.Second)
	}
	return issuance.SingleStatus{
		ID: id, Standing: k.Standing, Revocation: k.Revocation, ThisUpdate: from, NextUpdate: from.Add(s.c.CA.AnswerLife()),
		Expired: !k.Ends.IsZero() && now.After(k.Ends),
	}
}
