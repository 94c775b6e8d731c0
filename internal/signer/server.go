package signer

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// Room is what is asked of the room that signs; package ca is it.
type Room interface {
	Issue(ctx context.Context, by actor.Actor, r ca.Request) (ca.Certificate, error)
	Seal(ctx context.Context, by actor.Actor, r ca.SealRequest) (ca.Signature, error)
	AnswerAsked(ctx context.Context, issuer string, asked []issuance.CertID, nonce []byte, at time.Time) ([]byte, []issuance.SingleStatus, error)
	Stamp(ctx context.Context, r issuance.StampRequest) ([]byte, error)
	Publish(ctx context.Context, issuer string) error
}

var _ Room = (*ca.CA)(nil)

// Config is what the door is wired to.
type Config struct {
	Room   Room
	Health func(context.Context) Health
	// AtOnce bounds the calls under way; 128 if zero. Whoever is over it is told to come again.
	AtOnce int
	Log    *slog.Logger
}

// Server answers what processes without keys ask. Who may ask at all, the listener has seen to ([Listen]).
type Server struct {
	c     Config
	calls map[string]func(ctx context.Context, body []byte) (any, error)
	turns chan struct{}
}

// NewServer opens the door.
func NewServer(c Config) *Server {
	if c.AtOnce == 0 {
		c.AtOnce = 128
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	s := &Server{c: c, turns: make(chan struct{}, c.AtOnce)}
	s.calls = map[string]func(context.Context, []byte) (any, error){
		pathIssue: s.issue, pathSeal: s.seal, pathAnswer: s.answer, pathStamp: s.stamp, pathList: s.list, pathHealth: s.health,
	}
	return s
}

// ServeHTTP answers one call: with a reply, or with why not.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, known := s.calls[r.URL.Path]
	if !known {
		http.Error(w, "signer: no such call in this version of the program", http.StatusNotFound)
		return
	}
	body, refused := bodyOf(w, r)
	if refused != 0 {
		http.Error(w, errForeign.Error(), refused)
		return
	}
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	default:
		s.send(w, http.StatusServiceUnavailable, refuse(fault.New(fault.Unavailable, "ca.signer-busy"), ""))
		return
	}
	reply, err := call(r.Context(), body)
	switch {
	case errors.Is(err, errForeign):
		http.Error(w, errForeign.Error(), http.StatusBadRequest)
	case err != nil:
		s.send(w, http.StatusUnprocessableEntity, s.told(r, err))
	default:
		s.send(w, http.StatusOK, reply)
	}
}

// bodyOf reads the whole body of a call; refused is the status where it is none.
func bodyOf(w http.ResponseWriter, r *http.Request) (body []byte, refused int) {
	if r.Method != http.MethodPost || r.URL.RawQuery != "" || r.Header.Get("Content-Type") != "application/json" {
		return nil, http.StatusBadRequest
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostCall))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, http.StatusRequestEntityTooLarge
	}
	if err != nil { // half a body
		return nil, http.StatusBadRequest
	}
	return body, 0
}

// told writes down why a call was refused. A fault of ours is in the log, and whoever asked gets its reference; what was
// not approved is in the log too, since no honest process asks for it.
func (s *Server) told(r *http.Request, err error) refusal {
	var id [8]byte
	_, _ = rand.Read(id[:])
	told := refuse(err, hex.EncodeToString(id[:]))
	switch {
	case told.Ours != "" && r.Context().Err() == nil:
		s.c.Log.ErrorContext(r.Context(), "signer: a call failed", "call", r.URL.Path, "reference", told.Ours, "error", err)
	case fault.Is(err, fault.Forbidden):
		s.c.Log.WarnContext(r.Context(), "signer: refused", "call", r.URL.Path, "error", err)
	}
	return told
}

func (s *Server) send(w http.ResponseWriter, status int, reply any) {
	body, err := json.Marshal(reply)
	if err != nil {
		http.Error(w, "signer: no reply", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (s *Server) issue(ctx context.Context, body []byte) (any, error) {
	in, err := decode[issueCall](body)
	if err != nil {
		return nil, err
	}
	c, err := s.c.Room.Issue(ctx, actor.Machine(in.Request.Portal), in.Request)
	return issueReply{c}, err
}

func (s *Server) seal(ctx context.Context, body []byte) (any, error) {
	in, err := decode[sealCall](body)
	if err != nil {
		return nil, err
	}
	signature, err := s.c.Room.Seal(ctx, actor.Machine(in.Request.Portal), in.Request)
	return sealReply{signature}, err
}

func (s *Server) answer(ctx context.Context, body []byte) (any, error) {
	in, err := decode[answerCall](body)
	if err != nil {
		return nil, err
	}
	question, err := issuance.ParseStatusRequest(in.Request)
	if err != nil {
		return nil, errForeign
	}
	der, statuses, err := s.c.Room.AnswerAsked(ctx, in.Issuer, question.Asked, question.Nonce, in.At)
	reply := answerReply{DER: der}
	for _, one := range statuses {
		reply.Said = append(reply.Said, saidOf(one))
	}
	return reply, err
}

func saidOf(s issuance.SingleStatus) said {
	return said{Standing: s.Standing, At: s.Revocation.At.UTC(), Reason: s.Revocation.Reason}
}

func (s *Server) stamp(ctx context.Context, body []byte) (any, error) {
	in, err := decode[stampCall](body)
	if err != nil {
		return nil, err
	}
	question, err := issuance.ParseStampRequest(in.Request)
	if err != nil {
		return nil, err
	}
	der, err := s.c.Room.Stamp(ctx, question)
	return stampReply{der}, err
}

func (s *Server) list(ctx context.Context, body []byte) (any, error) {
	in, err := decode[listCall](body)
	if err != nil {
		return nil, err
	}
	return listReply{}, s.c.Room.Publish(ctx, in.Issuer)
}

func (s *Server) health(ctx context.Context, body []byte) (any, error) {
	if _, err := decode[healthCall](body); err != nil {
		return nil, err
	}
	return s.c.Health(ctx), nil
}
