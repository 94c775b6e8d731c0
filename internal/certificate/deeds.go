package certificate

import (
	"context"

	"chancela/internal/actor"
)

// RecordIdentity records how the subject of a case's order was shown to be who they are; the order is then issued.
func (s *Service) RecordIdentity(ctx context.Context, by actor.Actor, caseID string, how How, words string) error {
	return errUnfinished
}

// Accept records that the holder looked at the certificate and found it right.
func (s *Service) Accept(ctx context.Context, by actor.Actor, id ID) error { return errUnfinished }

// Decline records that the holder does not want it: it is revoked as superseded.
func (s *Service) Decline(ctx context.Context, by actor.Actor, id ID) error { return errUnfinished }

// Revoke ends the holder's certificate for good, for one of [Reasons].
func (s *Service) Revoke(ctx context.Context, by actor.Actor, id ID, reason int) error {
	return errUnfinished
}

// RevokeByOfficer ends anybody's certificate of the portal for good, with reasons.
func (s *Service) RevokeByOfficer(ctx context.Context, by actor.Actor, id ID, g Ground) error {
	return errUnfinished
}

// Work has every order that is ready issued, and says how many were.
func (s *Service) Work(ctx context.Context) (int, error) { return 0, errUnfinished }

// Run works until ctx ends.
func (s *Service) Run(ctx context.Context) error { return errUnfinished }
