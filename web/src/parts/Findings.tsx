import type { Finding } from "../api/types";
import { count } from "../model/format";
import type { Tone } from "../model/states";

const TONES: Partial<Record<string, Tone>> = { critical: "bad", high: "bad", medium: "ask" };
const SEVERITIES = ["critical", "high", "medium", "low", "info"];
const SHOWN = 50;

/** What checks found, the worst first, each with what to do about it. */
export function Findings({ findings }: { findings: Finding[] }) {
  const worst = findings.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
  return (
    <ul className="findings" aria-label="findings">
      {worst.slice(0, SHOWN).map((finding, at) => (
        <li key={finding.id ?? at} className={`tone-${finding.waived ? "off" : (TONES[finding.severity] ?? "idle")}`}>
          <span className="flag">{finding.waived ? "waived" : finding.severity}</span>
          <span>
            <b>{finding.task}</b> {finding.message} <span className="mono quiet">{finding.place}</span>
            {finding.remedy && !finding.waived && <span className="quiet remedy">{finding.remedy}</span>}
            {finding.waived?.reason && <span className="quiet remedy">{finding.waived.reason}</span>}
          </span>
        </li>
      ))}
      {findings.length > SHOWN && <li className="quiet">and {count(findings.length - SHOWN, "more", "more")}</li>}
    </ul>
  );
}
