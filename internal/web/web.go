// Package web is the face: every page that people see, and nothing else.
//
// A page is a handler, a templ component and a test with one base name. A handler reads the request, does one deed or
// look, and shows one typed struct; it never asks a role, opens a database or sends anything. Errors are returned,
// and one function turns them into pages (errors.go). GET changes nothing; what a POST did is shown after a redirect.
// Everything works without script. The whole map of addresses is one list: start reading at [Server.routes].
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"chancela/internal/account"
	"chancela/internal/caller"
	"chancela/internal/casefile"
	"chancela/internal/certificate"
	"chancela/internal/credential"
	"chancela/internal/i18n"
	"chancela/internal/login"
	"chancela/internal/portal"
	"chancela/internal/problem"
	"chancela/internal/status"
	"chancela/internal/web/ui"
)

// Config is what the face is wired to.
type Config struct {
	Portals      *portal.Set
	Cases        *casefile.Service
	Accounts     *account.Accounts
	Login        *login.Service
	Certificates *certificate.Service
	Credentials  *credential.Service
	Problems     *problem.Service
	Status       *status.Service
	// Callers gives programs of bodies access to time stamps; nil where the instance gives none.
	Callers *caller.Service
	// Base is the public address; links, cookies and the check of the host follow from it.
	Base *url.URL
	// Notice stands on every page if the instance is not for real use; zero for none.
	Notice portal.Text
	// Mailbox shows what was sent, where nothing is sent for real; nil elsewhere.
	Mailbox Mailbox
	// Trail shows the audit trail to who may see it.
	Trail Trail
	// Ready says what keeps the instance from serving.
	Ready func(context.Context) error
	// PKI answers under /pki/ what machines ask: it must clean no path.
	PKI http.Handler
	// API answers programs below /api/; nil for none.
	API http.Handler
	// Handout hands documents out from another origin; zero for beside the pages.
	Handout Handout
	// Proxies are the networks of proxies whose X-Forwarded-For is believed; none by default.
	Proxies []string
	// Clock gives the time by which pages say what is left and tickets end; time.Now if nil.
	Clock func() time.Time
	Log   *slog.Logger
}

// Server answers requests of people.
type Server struct {
	Config
	handler http.Handler
	outside *http.ServeMux // of the addresses of the whole instance
	within  *http.ServeMux // of the addresses within a portal
	themes  map[string]ui.Theme
}

// New builds the face.
func New(c Config) (*Server, error) {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	s := &Server{Config: c, themes: map[string]ui.Theme{}}
	for _, p := range c.Portals.Portals {
		theme, err := ui.NewTheme(p.Look.Primary)
		if err != nil {
			return nil, err
		}
		s.themes[p.Name] = theme
	}
	s.handler = s.build()
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Routes lists every address as METHOD PATTERN, for the tests that must visit them all.
func Routes() []string {
	var all []string
	for _, one := range new(Server).routes() {
		all = append(all, one.pattern)
	}
	return all
}

// route is one address.
type route struct {
	pattern string
	page    page
}

// routes is the whole map, to be read aloud.
//
//nolint:funlen // a list
func (s *Server) routes() []route {
	return []route{
		{"GET /{$}", s.portals},
		{"GET /healthz", s.health},
		{"GET /readyz", s.ready},
		{"GET /avaliacao", s.mailbox},
		{"GET /avaliacao/{file}", s.letter},
		{"GET /verificar", s.verify},
		{"GET /verificar/{code}", s.verified},
		{"GET /pki/{$}", s.pki},
		{"GET /pki/saude", s.pkiHealth},

		{"GET /{portal}/{$}", s.home},
		{"GET /{portal}/minutas/{$}", s.minutas},
		{"GET /{portal}/minutas/{code}", s.minuta},
		{"GET /{portal}/{page}", s.information},

		{"POST /{portal}/entrar", s.enter},
		{"GET /{portal}/entrar/codigo", s.code},
		{"POST /{portal}/entrar/canal", s.sendCode},
		{"POST /{portal}/entrar/codigo", s.confirmCode},
		{"POST /{portal}/sair", s.leave},
		{"POST /{portal}/sessao", s.extend},
		{"GET /{portal}/recuperar", s.recovery},
		{"POST /{portal}/recuperar", s.askRecovery},
		{"GET /{portal}/recuperar/{secret}", s.recover},
		{"POST /{portal}/recuperar/{secret}", s.recovered},
		{"GET /{portal}/convite", s.invitation},
		{"POST /{portal}/convite", s.askInvitation},
		{"GET /{portal}/definir/{secret}", s.define},
		{"POST /{portal}/definir/{secret}", s.defined},
		{"GET /{portal}/tecnico/convite/{secret}", s.officerInvited},
		{"POST /{portal}/tecnico/convite/{secret}", s.officerDefined},

		{"GET /{portal}/novo/{procedure}", s.begin},
		{"POST /{portal}/novo/{procedure}", s.begun},
		{"POST /{portal}/novo/{procedure}/guardar", s.autosaveNew},
		{"GET /{portal}/retomar/{secret}", s.resume},
		{"POST /{portal}/retomar/{secret}", s.resumed},
		{"GET /{portal}/confirmar/{secret}", s.prove},
		{"POST /{portal}/confirmar/{secret}", s.proven},
		{"GET /{portal}/acompanhar", s.following},
		{"POST /{portal}/acompanhar", s.askFollow},
		{"GET /{portal}/acompanhar/{secret}", s.follow},
		{"POST /{portal}/acompanhar/{secret}", s.followed},

		{"GET /{portal}/revogar", s.stopping},
		{"POST /{portal}/revogar", s.stop},
		{"GET /{portal}/revogar/sem-codigo", s.callBack},
		{"POST /{portal}/revogar/sem-codigo", s.askCallBack},
		{"GET /{portal}/comunicar-problema", s.reporting},
		{"POST /{portal}/comunicar-problema", s.report},

		{"GET /{portal}/processos", s.cases},
		{"GET /{portal}/processos/{id}", s.caseOf},
		{"GET /{portal}/processos/{id}/passo/{step}", s.step},
		{"POST /{portal}/processos/{id}/passo/{step}", s.stepped},
		{"POST /{portal}/processos/{id}/guardar", s.autosave},
		{"POST /{portal}/processos/{id}/retirar/{document}", s.detach},
		{"GET /{portal}/processos/{id}/rever", s.reviewOwn},
		{"POST /{portal}/processos/{id}/submeter", s.submit},
		{"GET /{portal}/processos/{id}/cancelar", s.cancel},
		{"POST /{portal}/processos/{id}/cancelar", s.cancelled},
		{"GET /{portal}/processos/{id}/recibo", s.receipt},
		{"POST /{portal}/processos/{id}/corrigir", s.correct},
		{"POST /{portal}/processos/{id}/responder", s.answer},
		{"POST /{portal}/processos/{id}/pronuncia", s.speak},
		{"POST /{portal}/processos/{id}/prescindir", s.giveUp},
		{"GET /{portal}/processos/{id}/desistir", s.withdraw},
		{"POST /{portal}/processos/{id}/desistir", s.withdrawn},
		{"GET /{portal}/processos/{id}/documentos/{document}", s.document},
		{"GET /{portal}/processos/{id}/minutas/{code}", s.filledMinuta},

		{"GET /{portal}/area", s.area},
		{"GET /{portal}/selos-temporais", s.stamps},
		{"POST /{portal}/selos-temporais", s.giveStamps},
		{"POST /{portal}/selos-temporais/{id}/terminar", s.endStamps},
		{"GET /{portal}/conta", s.accountOf},
		{"POST /{portal}/conta/sessoes", s.endSessions},
		{"POST /{portal}/conta/palavra-passe", s.changePassword},
		{"GET /{portal}/certificados/{id}", s.certificate},
		{"GET /{portal}/certificados/{id}/renovar", s.renewal},
		{"POST /{portal}/certificados/{id}/renovar", s.renewed},
		{"GET /{portal}/certificados/{id}/{file}", s.certificateFile},
		{"POST /{portal}/certificados/{id}/aceitar", s.acceptCertificate},
		{"POST /{portal}/certificados/{id}/recusar", s.declineCertificate},
		{"POST /{portal}/certificados/{id}/revogar", s.revokeCertificate},
		{"GET /{portal}/autorizacoes/{id}", s.mandate},
		{"POST /{portal}/autorizacoes/{id}/token", s.makeToken},
		{"POST /{portal}/autorizacoes/{id}/anular", s.dropToken},
		{"POST /{portal}/autorizacoes/{id}/revogar", s.revokeUnder},
		{"POST /{portal}/autorizacoes/{id}/terminar", s.endMandate},
		{"POST /{portal}/certificados/{id}/suspender", s.suspendCertificate},
		{"POST /{portal}/certificados/{id}/anular-data", s.cancelRevocation},
		{"POST /{portal}/certificados/{id}/novo-codigo", s.newCode},
		{"GET /{portal}/credenciais/{id}", s.credential},
		{"GET /{portal}/credenciais/{id}/pdf", s.credentialPDF},

		{"GET /{portal}/pessoas", s.teams},
		{"GET /{portal}/pessoas/{body}/{person}", s.end},
		{"POST /{portal}/pessoas/{body}/{person}", s.ended},
		{"GET /{portal}/cessacoes/{id}", s.ending},

		{"GET /{portal}/tecnico/{$}", s.queue},
		{"GET /{portal}/tecnico/entidades", s.bodies},
		{"GET /{portal}/tecnico/entidades/{body}/cessar", s.end},
		{"POST /{portal}/tecnico/entidades/{body}/cessar", s.ended},
		{"GET /{portal}/tecnico/entidades/{body}/{person}", s.end},
		{"POST /{portal}/tecnico/entidades/{body}/{person}", s.ended},
		{"GET /{portal}/tecnico/cessacoes/{id}", s.ending},
		{"POST /{portal}/tecnico/cessacoes/{id}", s.kept},
		{"GET /{portal}/tecnico/processos/{id}", s.review},
		{"GET /{portal}/tecnico/processos/{id}/documentos/{document}", s.document},
		{"POST /{portal}/tecnico/processos/{id}/{move}", s.decide},
		{"GET /{portal}/tecnico/certificados/{id}", s.officerCertificate},
		{"GET /{portal}/tecnico/certificados/{id}/{file}", s.certificateFile},
		{"POST /{portal}/tecnico/certificados/{id}/revogar", s.officerRevoke},
		{"GET /{portal}/tecnico/autorizacoes/{id}", s.officerMandate},
		{"POST /{portal}/tecnico/autorizacoes/{id}/terminar", s.officerEndMandate},
		{"POST /{portal}/tecnico/certificados/{id}/suspender", s.officerSuspend},
		{"POST /{portal}/tecnico/certificados/{id}/levantar", s.officerReinstate},
		{"POST /{portal}/tecnico/certificados/{id}/anular-data", s.officerCancel},
		{"GET /{portal}/tecnico/comunicacoes", s.problems},
		{"GET /{portal}/tecnico/comunicacoes/{id}", s.problem},
		{"POST /{portal}/tecnico/comunicacoes/{id}", s.answerProblem},
		{"GET /{portal}/tecnico/credenciais/{id}", s.officerCredential},
		{"GET /{portal}/tecnico/credenciais/{id}/pdf", s.credentialPDF},
		{"POST /{portal}/tecnico/credenciais/{id}/{move}", s.judgeCredential},
		{"GET /{portal}/tecnico/equipa", s.team},
		{"POST /{portal}/tecnico/equipa", s.invite},
		{"GET /{portal}/tecnico/auditoria", s.audit},
	}
}

func (s *Server) build() http.Handler {
	// Addresses of the whole instance and those within a portal are two maps: on one, /verificar/{code} and
	// /{portal}/area would both claim /verificar/area.
	outer, inner := http.NewServeMux(), http.NewServeMux()
	for _, one := range s.routes() {
		on := outer
		if strings.Contains(one.pattern, " /{portal}") {
			on = inner
		}
		on.Handle(one.pattern, s.visited(one))
	}
	inner.HandleFunc("/", s.nowhere)
	outer.Handle("/", inner)
	if s.API != nil {
		outer.Handle("/api/", s.API)
	}
	outer.Handle(staticRoute, ui.Static())
	s.outside, s.within = outer, inner
	guarded := s.guard(http.NewCrossOriginProtection().Handler(outer))
	// Answers of the PKI go past the mux: it would clean the path of an OCSP request, in which "//" is legal base64.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			// It may have had a length too, which the library reads past: whoever stands between may have read it
			// otherwise, so nothing more is read on this connection (RFC 9112, 6.1).
			w.Header().Set("Connection", "close")
		}
		if s.PKI != nil && strings.HasPrefix(r.URL.Path, "/pki/") && r.URL.Path != "/pki/" && r.URL.Path != "/pki/saude" {
			s.PKI.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// Paths are where links of mails lead, within their portal; package letter is given them.
func Paths() map[string]string {
	return map[string]string{
		"proof": "confirmar", "draft": "retomar", "follow": "acompanhar", "invitation": "definir",
		"officer-invitation": "tecnico/convite", "recovery": "recuperar",
	}
}

// langOf is the language that the reader asked for: by the switch, else by the browser.
func langOf(r *http.Request) i18n.Lang {
	if c, err := r.Cookie(langCookie); err == nil {
		if lang := i18n.Lang(c.Value); lang == i18n.PT || lang == i18n.EN {
			return lang
		}
	}
	return i18n.Pick(r.Header.Get("Accept-Language"))
}
