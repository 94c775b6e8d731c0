package certificate

import (
	"context"

	"chancela/internal/actor"
)

// Mine are the signed-in person's orders and certificates, newest first.
func (s *Service) Mine(ctx context.Context, by actor.Actor) ([]Order, error) {
	return nil, errUnfinished
}

// Of shows one with its chain of custody, to its holder and the portal's officers.
func (s *Service) Of(ctx context.Context, by actor.Actor, id ID) (View, error) {
	return View{}, errUnfinished
}

// OfCase shows a case's order to the same people; false if the case has none.
func (s *Service) OfCase(ctx context.Context, by actor.Actor, caseID string) (View, bool, error) {
	return View{}, false, errUnfinished
}

// Awaiting are the orders of the portal whose subject's identity is yet to be recorded, oldest first; for officers.
func (s *Service) Awaiting(ctx context.Context, by actor.Actor) ([]Order, error) {
	return nil, errUnfinished
}

// Download gives the certificate as a file, to the same people as [Service.Of].
func (s *Service) Download(ctx context.Context, by actor.Actor, id ID, f Format) (File, error) {
	return File{}, errUnfinished
}
