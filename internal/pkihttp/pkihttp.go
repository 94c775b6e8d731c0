// Package pkihttp answers machines over plain HTTP: status by OCSP, revocation lists, issuers' certificates.
//
// Its addresses stand in certificates, so they never redirect and never change. It looks at paths as they were sent:
// base64 of an OCSP request may hold "//", which a mux that cleans paths would spoil. It must never set a cookie, ask
// who somebody is, or read more of a request than an honest one has. Start reading at [Handler.ServeHTTP].
package pkihttp

import (
	"net/http"

	"chancela/internal/status"
)

// Handler answers below /pki/.
type Handler struct{ status *status.Service }

// New makes the handler of everything below /pki/.
func New(s *status.Service) *Handler { return &Handler{status: s} }

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }
