"""The words of English that belong to no operation: prepositions, articles, order words, conditions, politeness."""

from __future__ import annotations

PREPOSITIONS = frozenset(
    {
        *("in", "into", "inside", "within", "on", "onto", "at"),
        *("to", "toward", "towards", "from", "off", "of", "with"),
        *("as", "for", "by", "using", "via", "through", "under", "against", "across", "over", "about", "around"),
        *("called", "named", "titled", "entitled", "tagged", "containing", "saying", "says", "say", "contains"),
        *("contain", "holding", "describing", "running", "executing", "has", "showing", "shows", "expect"),
        *("between", "attaching", "expects", "expecting", "targeting", "labelled", "labeled", "matching"),
    }
)
#: Several words that are one preposition, and the one that they are.
LONG_PREPOSITIONS = {
    ("up", "to"): "up to",
    ("at", "most"): "at most",
    ("no", "more", "than"): "at most",
    ("no", "longer", "than"): "at most",
    ("not", "more", "than"): "at most",
    ("not", "longer", "than"): "at most",
    ("for", "at", "most"): "at most",
    ("for", "up", "to"): "up to",
    ("max",): "at most",
    ("maximum",): "at most",
    ("under", "the", "name"): "named",
    ("under", "the", "name", "of"): "named",
    ("under", "name"): "named",
    ("match",): "matching",
    ("matches",): "matching",
    ("that", "match"): "matching",
    ("which", "match"): "matching",
    ("based", "on"): "based on",
    ("off", "of"): "off",
    ("out", "of"): "from",
    ("inside", "of"): "inside",
    ("described", "as"): "described as",
    ("that", "says"): "saying",
    ("which", "says"): "saying",
    ("that", "contains"): "containing",
    ("mapped", "to"): "to",
    ("forwarded", "to"): "to",
    ("mounted", "at"): "at",
    ("mounted", "on"): "at",
    ("mounted", "to"): "at",
    ("mounted", "under"): "at",
    ("to", "merge"): "from",
    ("that", "merges"): "from",
    ("which", "merges"): "from",
    ("assigned", "to"): "assigned to",
    ("forwarding", "to"): "to",
    ("forwards", "to"): "to",
    ("going", "to"): "to",
    ("pointing", "to"): "to",
    ("routing", "to"): "to",
    ("routed", "to"): "to",
    ("ready", "on"): "on",
    ("ready", "at"): "at",
    ("undone", "by"): "undone by",
    ("reverted", "by"): "undone by",
    ("reverted", "with"): "undone by",
    ("undone", "with"): "undone by",
    ("reviewed", "by"): "reviewed by",
    ("with", "the", "name"): "named",
    ("with", "name"): "named",
    ("by", "the", "name", "of"): "named",
    ("with", "the", "title"): "titled",
}
NAMING = frozenset({"called", "named"})

ARTICLES = frozenset({"a", "an", "the", "some", "my", "our", "your"})
DEFINITE = frozenset({"the", "my", "our", "your", "this", "that", "these", "those", "its", "their"})
INDEFINITE = frozenset({"a", "an", "new", "another"})

IT = frozenset({"it", "this", "that", "itself"})
THEM = frozenset({"them", "both", "these", "those", "they", "themselves"})
ITS = frozenset({"its", "their"})
THERE = frozenset({"there", "here", "therein"})
#: One of several things that were named together: what "the former", "the second one" and "the last" are read as.
PICKED = {"@first": 0, "@second": 1, "@third": 2, "@fourth": 3, "@last": -1, "@former": 0, "@latter": 1, "@other": -1}
#: ... of which there are just two.
OF_TWO = frozenset({"@former", "@latter"})
PRONOUNS = IT | THEM | THERE | frozenset(PICKED)

#: Nouns that name nothing in particular: no value, unless a label or "called" says so.
VAGUE = frozenset(
    {
        *("thing", "things", "stuff", "something", "anything"),
        *("everything", "nothing", "someone", "anyone", "nobody"),
        *("machine", "computer", "system", "systems", "server", "servers", "infrastructure", "world", "app", "apps"),
        *("application", "applications", "service", "services", "site", "website", "program", "software", "project"),
        *("code", "database", "databases", "environment", "mess", "rest", "other", "others", "lot", "bunch", "way"),
        *("version", "newest", "latest", "old", "oldest", "previous", "production", "usual", "same", "one", "ones"),
        *("nice", "better", "good", "fast", "faster", "work", "yesterday", "today", "tomorrow", "everyone", "box"),
        *("tonight", "later", "weekend", "lunch", "noon", "midnight", "morning", "evening", "afternoon", "week"),
        *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "know"),
        *("stack", "setup", "deployment", "deployments", "container"),
        *("containers", "file", "files", "name", "number"),
        *("image", "images", "person", "people", "us", "me", "you", "him", "her", "we", "they", "i", "he", "she"),
        *("online", "job", "life", "house", "pod", "pods", "how", "what", "why", "else", "more", "less", "some"),
        *("think", "see", "similar", "related", "associated", "remaining", "various", "certain", "such"),
    }
)
#: What something is, and never its name: "start the PROCESS" asks which one.
KINDS = frozenset(
    {
        *("process", "processes", "workflow", "command", "script", "release", "branch", "namespace", "network"),
        *("volume", "chart", "manifest", "repository", "repo", "issue", "folder", "directory", "ready"),
    }
)
#: Work that a command does: no image, whatever else it may be called.
ACTIVITIES = frozenset(
    {
        "log",
        "logs",
        "status",
        "output",
        "test",
        "tests",
        "check",
        "checks",
        "suite",
        "linter",
        "migration",
        "migrations",
        "pipeline",
    }
)
#: Says where or how something is and governs what follows: "described in ./compose.yaml", "listening on port 80".
PLACED = frozenset(
    {
        *("described", "defined", "located", "stored", "specified"),
        *("listed", "declared", "lying", "living", "placed"),
        *("saved", "kept", "written", "listening", "published", "exposed", "found", "sitting", "coming", "belonging"),
        *("exposing", "publishing", "serving", "mapping", "based"),
        *("going", "reachable", "available", "am", "let", "use"),
    }
)
#: Says which of its kind, and leaves the name to say it all: "the OLD container web".
ADJECTIVES = frozenset(
    {
        *("old", "stopped", "unused", "temporary", "temp", "broken", "failed", "dead", "exited", "whole", "entire"),
        *("resulting", "complete", "previous", "obsolete", "stale", "idle"),
        *("main", "big", "little", "second", "two", "both"),
        *("rolling", "proper", "additional", "further", "extra", "last"),
        *("latest", "recent", "detached", "default", "official", "called", "named"),
    }
)
#: How nouns are cut short in notes and on command lines.
SHORT = {
    "argument": "arg",
    "command": "cmd",
    "config": "cfg",
    "configuration": "config",
    "context": "ctx",
    "description": "desc",
    "destination": "dest",
    "directory": "dir",
    "environment": "env",
    "image": "img",
    "message": "msg",
    "namespace": "ns",
    "network": "net",
    "process": "proc",
    "project": "proj",
    "repository": "repo",
    "revision": "rev",
    "terraform": "tf",
    "variable": "var",
    "volume": "vol",
    "workflow": "wf",
    "workspace": "ws",
}
#: Behind a number: it holds for every one of the list.
EACH = frozenset({"each", "apiece"})
QUANTIFIERS = frozenset({"all", "every", "each", "any", "most", "half", "many", "few", "several", "everything"})
#: Words that take something out or turn a meaning round: never passed over in silence.
LIMITING = frozenset(
    {
        *("except", "excluding", "besides", "but", "not", "no"),
        *("never", "none", "neither", "nor", "instead", "rather"),
        *("unless", "until", "till", "only", "other", "than", "without", "if", "or", "either", "maybe", "perhaps"),
        *("almost", "twice", "thrice", "minus", "negative", "nothing"),
        *("out", "nobody", "cannot", "barely", "hardly", "somewhere", "somehow", "like"),
    }
)
#: Adds nothing wherever it stands.
POLITE = frozenset(
    {
        *(
            "please",
            "pls",
            "plz",
            "plss",
            "thx",
            "u",
            "kindly",
            "could",
            "can",
            "would",
            "will",
            "shall",
            "you",
            "we",
            "i",
            "us",
            "me",
        ),
        *("hey", "hi", "hello", "ok", "okay", "so", "well", "now", "just", "simply", "also", "too", "again", "then"),
        *("thanks", "thank", "quickly", "immediately", "asap", "right", "away", "still", "already", "yet", "really"),
        *("actually", "carefully", "gracefully", "safely", "properly", "freshly", "cleanly", "correctly", "exactly"),
        *("successfully", "new", "existing", "current", "own", "brand", "fresh", "local", "following", "given"),
        *("respectively", "together", "finally", "afterwards", "first", "next", "once", "simple", "small", "quick"),
    }
)
#: How a request may begin without saying anything.
LEAD_IN = tuple(
    tuple(line.split())
    for line in """
    i would be grateful if you could; i would be happy if you could; i would be glad if you could; i think we should
    i would appreciate if you could; we would be grateful if you could; it would help if you could; i guess we should
    i think you should; i believe we should; we think you should; i am trying to; we are trying to; i am about to
    i suggest to; i suggest we; i propose to; we are about to; i would be very grateful if you could; then please
    please to; pls to; it is necessary to; it is required to; it is needed to; it is important to; you must to
    continue with; continue by; end with; end by; finish by; finish with; conclude with; proceed with; proceed to
    go on with; go on and; wrap up by; close by; then you; i would love to; we would love to; could u; can u
    would u; will u; i wish to; i wish to have; we wish to; i am asking you to; i request you to; requesting you to
    you may; mind; you might want to; it would be nice to; it would be great to; it would be good to; what i need is to
    what we need is to; your job is to; my request is to; the plan is to; we are going to; i am going to; i gotta
    i would appreciate it if you could; it would be great if you could; it would be nice if you could; do please
    i was wondering if you could; is it possible to; would it be possible to; are you able to; quick one
    i would like you to; i would like to; we would like to; i want you to; we want you to; i need you to
    we need you to; i want to; we want to; i need to; we need to; i have to; we have to; i must; we must
    we should; you should; basically; ideally; actually; alright; right; all right; great; cool; next up
    you must; you need to; would you mind; do you mind; help me to; help me; try to; try and; remember to
    be so kind and; be so kind as to; all you have to do is; your task is to; the goal is to; the task is to
    my goal is to; good morning; good afternoon; good evening; good day; asap; urgent; urgently; important
    can someone; could someone; can somebody; could somebody; someone should; somebody should
    can i; could i; can you; could you; would you; will you; can we; could we; shall we; may i ask you to
    i ask you to; go ahead and; go and; let us; let me; hey; hi; hello; ok; okay; please; pls; kindly; just
    simply; now; well; so; also; dear reign; additionally; furthermore; only; start by; begin by; start with
    begin with; in addition; as well; thank you; thanks;
    i would want to; it is time to; time to; you can; feel free to; make it so that; in order to; i; we; you
    """.replace("\n", ";").split(";")
    if line.strip()
)
AUXILIARIES = frozenset(
    {
        *("is", "are", "was", "were", "be", "been", "being", "has", "have", "had", "having", "does", "do", "did"),
        *("will", "would", "should", "shall", "must", "can", "could", "may", "might", "gets", "got", "becomes"),
        *("become", "comes", "come", "goes", "stays", "stay", "remains", "remain", "that", "whether", "which", "to"),
        *("it", "they", "there", "really", "until", "till"),
    }
)
#: Ends a question whose verb is said by its first word: "what does the state hold?"
HOLDS = frozenset({"hold", "contain", "have", "include", "know", "look", "say", "print", "write", "log", "like"})
NEGATIONS = frozenset({"not", "never", "no", "nothing", "none", "nobody", "neither", "cannot"})

#: Said of what came before: it went well, or it did not.
WENT_WELL = frozenset(
    {
        *("works", "work", "worked", "succeeds", "succeed", "succeeded", "success", "successful", "passes", "pass"),
        *("passed", "ok", "okay", "fine", "good", "clean", "green", "done", "finished", "finishes", "finish", "well"),
        *("complete", "completes", "completed", "ready", "up", "running", "started", "starts", "built", "healthy"),
        *("exists", "exist", "valid", "validates", "through", "over", "live", "available", "alive", "created"),
        *("pulled", "pushed", "deployed", "applied", "installed"),
        *("merged", "removed", "stopped", "answers", "responds"),
        *("happy", "right", "correct", "safe", "gone", "down", "validated", "ended", "settled", "stands"),
    }
)
WENT_WRONG = frozenset(
    {
        *("fails", "fail", "failed", "failure", "error", "errors", "breaks", "broken", "break", "wrong", "unhealthy"),
        *("bad", "crashes", "crash", "crashed", "invalid", "red", "unsuccessful"),
    }
)
FOUND = frozenset(
    {
        "found",
        "reported",
        "appear",
        "appears",
        "finds",
        "find",
        "shows",
        "turns",
        "turn",
        "detected",
        "discovered",
        "leaked",
    }
)
#: What a finding is called; with one of FOUND or "there are", something went wrong.
FINDINGS = frozenset(
    {"any", "some", "something", "anything", "secret", "secrets", "finding", "findings", "problem"}
) | {
    *("problems", "issue", "issues", "leak", "leaks", "credential", "credentials", "password", "passwords", "one"),
}
#: What may stand in a condition about what came before without saying more.
OUTCOME_NOUNS = frozenset(
    {
        *("everything", "anything", "something", "nothing", "all", "both", "one", "any", "none", "step", "steps"),
        *("check", "checks", "scan", "test", "tests", "result", "results", "previous", "last", "above", "outcome"),
        *("task", "tasks", "command", "commands", "goes", "went", "go", "comes", "came", "turns", "out", "of"),
        *("first", "second", "former", "latter", "two", "three", "them", "these", "those", "either", "completely"),
        *("fully", "successfully", "build", "deploy", "run"),
        *("restart", "rollout", "upgrade", "install", "plan", "apply"),
        *("pull", "push", "migration", "deployment", "validation", "installation", "creation", "successful", "there"),
        *("even", "really", "in", "place", "at", "with", "for", "on", "from", "by", "finally", "case", "no", "found"),
    }
)

CONDITIONS = {
    ("if",): "if",
    ("only", "if"): "if",
    ("only", "when"): "if",
    ("but", "only", "if"): "if",
    ("in", "case"): "if",
    ("provided",): "if",
    ("provided", "that"): "if",
    ("providing",): "if",
    ("assuming",): "if",
    ("assuming", "that"): "if",
    ("as", "long", "as"): "if",
    ("so", "long", "as"): "if",
    ("unless",): "unless",
    ("except", "if"): "unless",
}
TIMES = {
    ("after",): "after",
    ("once",): "after",
    ("when",): "after",
    ("whenever",): "after",
    ("as", "soon", "as"): "after",
    ("only", "after"): "after",
    ("before",): "before",
    ("prior", "to"): "before",
    ("while",): "while",
}
REASONS = {
    ("because",): "because",
    ("due", "to"): "because",
    ("because", "of"): "because",
    ("owing", "to"): "because",
    ("in", "view", "of"): "because",
    ("given", "that"): "because",
    ("now", "that"): "because",
    ("hope",): "because",
    ("i", "hope"): "because",
    ("since",): "because",
    ("still", "need"): "because",
    ("still", "needs"): "because",
    ("so", "that"): "because",
    ("as", "we"): "because",
    ("although",): "because",
    ("though",): "because",
    ("even", "though"): "because",
    ("even", "if"): "because",
}
EXCLUSIONS = {
    ("without",): "without",
    ("instead", "of"): "without",
    ("rather", "than"): "without",
    ("with", "no"): "without",
    ("no",): "without",
    ("no", "need", "to"): "without",
    ("there", "is", "no", "need", "to"): "without",
}
_SPARING = (("keep",), ("leave",), ("spare",), ("preserve",), ("ignore",))
DENIALS = (
    ("do", "not"),
    ("must", "not"),
    ("should", "not"),
    ("need", "not"),
    ("never",),
    ("not",),
    ("skip",),
    *_SPARING,
)
OTHERWISE = (("otherwise",), ("or", "else"), ("else",), ("if", "not"))

THEN = tuple(
    tuple(line.split())
    for line in (
        *(
            "and then",
            "then",
            "after to",
            "and after to",
            "after that",
            "after this",
            "after which",
            "afterwards",
            "afterward",
            "subsequently",
        ),
        *("next", "followed by", "when done", "once done", "when finished", "once finished", "thereafter"),
        *("when that is done", "once that is done", "as the next step", "->", "=>", "next up"),
    )
)
LAST = tuple(
    tuple(line.split()) for line in ("finally", "lastly", "in the end", "at the end", "last of all", "at last")
)
FIRST = tuple(
    tuple(line.split())
    for line in (*("first", "firstly", "first of all", "to begin with", "to start with", "first thing"),)
)
BEFORE_THAT = tuple(
    tuple(line.split()) for line in ("before that", "before this", "but first", "beforehand", "but before that")
)
TOGETHER = tuple(
    tuple(line.split())
    for line in (
        *("in parallel", "at the same time", "simultaneously", "concurrently", "side by side", "meanwhile"),
        *("all at once", "at once", "in the meantime", "parallel"),
    )
)
ORDINALS = frozenset({"second", "secondly", "third", "thirdly", "fourth", "fifth", "sixth"})
ONE_BY_ONE = tuple(
    tuple(line.split())
    for line in (
        *("one after the other", "one after another", "one by one", "in that order", "in this order", "in sequence"),
        *("sequentially", "in order", "in turn", "one at a time"),
    )
)
#: Verbs that only put something before the reader: "take ./app, build it and run it".
INTRODUCES = frozenset({"take", "use", "consider", "grab"})
AND = frozenset({"and", "&", "plus"})
CONJUNCTIONS = frozenset({"and", "&", "plus", "but", "so", "also", "yet"})
STOP = frozenset({"stop", "abort", "quit", "halt", "cancel", "fail", "exit", "end", "bail"})
GO_ON = frozenset({"continue", "proceed", "go", "carry"})
#: Verbs that may say more about what was just made: "run nginx as web and PUT it on port 8080".
AMENDS = frozenset(
    {
        "tag",
        *("put", "publish", "expose", "map", "give", "set", "attach", "connect", "bind", "forward", "mount", "add"),
        *("join", "place", "limit", "use", "make"),
    }
)
RETRY = frozenset({"retry", "repeat"})
#: Verbs that carry a noun's action: "do a restart", "run terraform plan".
LIGHT = frozenset(
    {
        *("run", "do", "perform", "execute", "make", "carry out", "issue", "trigger", "kick off", "start", "give"),
        *("take", "have", "launch", "get", "conduct", "show", "want", "need"),
    }
)
#: Verbs that also say that somebody begins or ends what they do: "stop worrying".
ASPECT = frozenset({"stop", "start", "halt", "resume", "kill", "run"})
#: What services are customarily called, though it looks like what somebody does.
TRADES = frozenset(
    {
        *("billing", "staging", "pricing", "shipping", "monitoring", "logging", "tracking", "messaging", "booking"),
        *("routing", "landing", "mailing", "ranking", "training", "rating", "marketing", "onboarding", "indexing"),
        *("reporting", "accounting", "caching", "ticketing", "hosting", "invoicing", "tracing", "testing", "king"),
        *("notifying", "listing", "catering", "banking", "trading", "streaming", "scheduling", "ping", "string"),
        *("building", "gaming", "processing", "proxying", "auditing", "metering", "ordering", "purchasing", "ring"),
    }
)
ASKING = frozenset({"what", "which", "how", "where", "who", "whose"})
QUESTION_STARTS = frozenset({"is", "are", "does", "did", "was", "were", "has", "have", "do"})
APPROVAL = frozenset(
    {"approve", "approves", "approved", "approval", "confirm", "confirmed", "confirmation", "permission"}
)

NUMBERS = {
    **{
        word: n
        for n, word in enumerate(
            ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
        )
    },
    **{
        w: n
        for n, w in enumerate(["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"], 13)
    },
    **{
        w: n * 10
        for n, w in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
    },
}
SCALES = {"hundred": 100, "thousand": 1000, "dozen": 12}
UNITS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}
CONTRACTIONS = {
    **{
        f"{verb}n't": (verb, "not")
        for verb in [
            "do",
            "does",
            "did",
            "is",
            "are",
            "was",
            "were",
            "should",
            "must",
            "need",
            "would",
            "could",
            "has",
            "have",
        ]
    },
    **{f"{verb}nt": (verb, "not") for verb in ["do", "does", "did", "is", "are"]},
    **{f"{who}'re": (who, "are") for who in ("they", "we", "you")},
    **{f"{who}'s": (who, "is") for who in ("it", "that", "what", "where", "how", "there", "here", "who")},
    **{f"{who}'d": (who, "would") for who in ("i", "we", "you")},
    **{f"{who}'ve": (who, "have") for who in ("i", "we", "you", "they")},
    **{f"{who}'ll": (who, "will") for who in ("i", "we", "you", "it")},
    "won't": ("will", "not"),
    "can't": ("can", "not"),
    "cannot": ("can", "not"),
    "whats": ("what", "is"),
    "let's": ("let", "us"),
    "lets": ("let", "us"),
    "i'm": ("i", "am"),
}
