package status

import (
	"context"
	"errors"

	"chancela/internal/issuance"
)

// MostStampRequest is how many bytes of a time-stamp request are looked at.
const MostStampRequest = issuance.MaxStampRequest

// Stamp answers a time-stamp request (DER, RFC 3161) with a TimeStampResp. It always gives an answer: what gets no stamp
// gets one of the refusals of §2.4.2, which are not signed. What is stamped is a digest, and is kept nowhere.
func (s *Service) Stamp(ctx context.Context, der []byte) []byte {
	if !s.c.Stamps {
		return issuance.RefuseStamp(issuance.BadRequest)
	}
	r, err := issuance.ParseStampRequest(der)
	if err != nil {
		return issuance.RefuseStamp(err)
	}
	reply, err := s.c.CA.Stamp(ctx, r)
	if err == nil {
		return reply
	}
	if _, told := errors.AsType[issuance.StampFailure](err); !told && !errors.Is(err, context.Canceled) {
		s.c.Log.ErrorContext(ctx, "status: no time stamp", "error", err)
	}
	return issuance.RefuseStamp(err)
}
