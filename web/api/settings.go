package api

import "context"

// Setting is something that the server was started with, or that was set on its screens.
type Setting struct {
	Group        string `json:"group" doc:"What it is about, such as Delivery"`
	Name         string `json:"name"`
	Label        string `json:"label"`
	Value        string `json:"value" doc:"As it was given, or in words, secrets masked; empty: nothing was given"`
	Source       string `json:"source" enum:"flag,environment,file,screen,default" doc:"Where the value comes from; file: one that a variable names; screen: it was set there"`
	Flag         string `json:"flag" doc:"Flag of labhook serve that sets it; empty: it is set on the screen"`
	Env          string `json:"env" doc:"Environment variable that sets it; with _FILE at its end it names a file with the value"`
	About        string `json:"about"`
	NeedsRestart bool   `json:"needs_restart" doc:"The value takes effect at the next start"`
}

// listSettings answers with all settings.
func (s *server) listSettings(ctx context.Context, _ *none) (*answer[List[Setting]], error) {
	all, err := s.Settings(ctx)
	if err != nil {
		return nil, err
	}
	return wholeList(all, func(one Setting) Setting { return one }), nil
}
