import { type SubmitEvent, useEffect, useState } from "react";
import useSWR, { SWRConfig, useSWRConfig } from "swr";
import { Link, Route, Switch, useRoute } from "wouter";

import { ApiError, get, signIn } from "./api/client";
import { useStanding } from "./api/link";
import type { About, Json } from "./api/types";
import { iAm } from "./api/who";
import { Ask } from "./pages/Ask";
import { OperationPage, Operations } from "./pages/Operations";
import { RunPage } from "./pages/RunPage";
import { Runs } from "./pages/Runs";
import { Schedules } from "./pages/Schedules";
import { Resources } from "./pages/Resources";
import { Locks, Pools } from "./pages/Tables";
import { Dialog } from "./parts/Dialog";
import { Problem } from "./parts/Problem";

const KNOCK_EVERY = 2000; // milliseconds between two looks whether the API is there again

export function App() {
  return (
    <SWRConfig value={{ fetcher: get, shouldRetryOnError: false, revalidateOnFocus: true }}>
      <Page />
    </SWRConfig>
  );
}

function Page() {
  const standing = useStanding();
  return (
    <>
      <a className="skip" href="#main">
        to the content
      </a>
      <Top />
      {standing === "away" && <Away />}
      {standing === "token" && <SignIn />}
      <main id="main" tabIndex={-1}>
        <Switch>
          <Route path="/">
            <Ask />
          </Route>
          <Route path="/runs">
            <Runs />
          </Route>
          <Route path="/runs/:name">{({ name }) => <RunPage key={name} name={decodeURIComponent(name)} />}</Route>
          <Route path="/run/:name">{({ name }) => <RunPage key={name} name={decodeURIComponent(name)} />}</Route>
          <Route path="/operations">
            <Operations />
          </Route>
          <Route path="/operations/:name">{({ name }) => <OperationPage name={decodeURIComponent(name)} />}</Route>
          <Route path="/pools">
            <Pools />
          </Route>
          <Route path="/locks">
            <Locks />
          </Route>
          <Route path="/schedules">
            <Schedules />
          </Route>
          <Route path="/resources">
            <Resources />
          </Route>
          <Route>
            <p className="empty">
              There is no such page. <Link href="/">Ask for something</Link>, or look at the{" "}
              <Link href="/runs">runs</Link>.
            </p>
          </Route>
        </Switch>
      </main>
    </>
  );
}

function Tab({ href, children }: { href: string; children: string }) {
  const [here] = useRoute(href === "/" ? "/" : new RegExp(`^${href.replace(/s$/, "s?")}(/|$)`));
  return (
    <Link href={href} aria-current={here ? "page" : undefined}>
      {children}
    </Link>
  );
}

function Top() {
  const about = useSWR<About>("/web/about", get, { refreshInterval: 30_000 }).data;
  // An environment that cannot be: only whether the API knows the address is asked.
  const resources = useSWR<Json, unknown>("/resources?environment=-", get, { revalidateOnFocus: false });
  const absent = resources.error instanceof ApiError && resources.error.status === 404;
  return (
    <header className="top">
      <Link href="/" className="brand" title={about ? `REIGN ${about.version}` : "REIGN"}>
        <img src="/assets/icon.svg" width="22" height="22" alt="" />
        REIGN
      </Link>
      <nav aria-label="pages">
        <Tab href="/">Ask</Tab>
        <Tab href="/runs">Runs</Tab>
        <Tab href="/pools">Pools</Tab>
        <Tab href="/locks">Locks</Tab>
        {resources.data !== undefined && !absent && <Tab href="/resources">Resources</Tab>}
        <Tab href="/schedules">Schedules</Tab>
        <Tab href="/operations">Operations</Tab>
        {about?.flower && (
          <a href={about.flower} target="_blank" rel="noreferrer">
            Flower ↗
          </a>
        )}
      </nav>
    </header>
  );
}

/** Knocks until the API answers, then has everything on the page read again. */
function Away() {
  const { mutate } = useSWRConfig();
  useEffect(() => {
    const timer = setInterval(() => {
      get("/healthz")
        .then(() => mutate(() => true))
        .catch(() => undefined);
    }, KNOCK_EVERY);
    return () => clearInterval(timer);
  }, [mutate]);
  return (
    <div className="banner" role="alert">
      The API does not answer. What you see is how it was; the page goes on by itself as soon as it is back.
    </div>
  );
}

function SignIn() {
  const { mutate } = useSWRConfig();
  const [token, setToken] = useState("");
  const [name, setName] = useState(localStorage.getItem("reign.name") ?? "");
  const [error, setError] = useState<unknown>(null);
  const enter = async (event: SubmitEvent) => {
    event.preventDefault();
    try {
      await signIn(token.trim());
      iAm(name);
      setError(null);
      await mutate(() => true);
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Dialog title="This API needs a token" onClose={() => undefined}>
      <form onSubmit={(event) => void enter(event)} className="fields">
        <label>
          Token
          <input
            type="password"
            autoComplete="current-password"
            required
            value={token}
            onChange={(event) => setToken(event.target.value)}
          />
        </label>
        <label>
          Your name, for the record
          <input autoComplete="name" maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        <p className="quiet">It is the API&apos;s REIGN_API_TOKEN, kept in a cookie until the browser is closed.</p>
        <Problem error={error} />
        <div className="dialog-row">
          <button type="submit" className="primary">
            Enter
          </button>
        </div>
      </form>
    </Dialog>
  );
}
