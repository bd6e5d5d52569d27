import { filled, type Language } from "../language.ts";
import type { ShownFigures, ShownHour } from "./shown.ts";
import { supportTextsIn } from "./support-language.ts";

const HEIGHT = 120;
const COLUMN = 25;
/** Every so many hours the hour stands below its column. */
const LABEL_EVERY = 3;

const sum = (hours: readonly ShownHour[], part: "loggedIn" | "cancelled" | "failed"): number =>
  hours.reduce((total, hour) => total + hour[part], 0);

/** The logins of one day: totals, a column for every hour, the numbers as a table, and why logins failed. */
export function LoginChart({
  language,
  figures,
}: {
  readonly language: Language;
  readonly figures: ShownFigures;
}) {
  const texts = supportTextsIn(language);
  const { day, hours, reasons, previousHref, nextHref } = figures;
  const totals = [
    { kind: "in", label: texts.loggedIn, count: sum(hours, "loggedIn") },
    { kind: "stop", label: texts.cancelled, count: sum(hours, "cancelled") },
    { kind: "out", label: texts.failed, count: sum(hours, "failed") },
  ];
  const quiet = totals.every(({ count }) => count === 0);
  return (
    <section class="panel" aria-labelledby="figures">
      <h2 id="figures">{filled(texts.figures, { day })}</h2>
      {quiet ? (
        <p class="soft">{texts.quietDay}</p>
      ) : (
        <>
          <dl class="totals">
            {totals.map(({ kind, label, count }) => (
              <div class={kind}>
                <dt>{label}</dt>
                <dd>{count}</dd>
              </div>
            ))}
          </dl>
          <Columns hours={hours} label={totals.map(({ label, count }) => `${label}: ${count}`).join(", ")} />
          <details>
            <summary>{texts.byHour}</summary>
            <div class="scroll">
              <table>
                <thead>
                  <tr>
                    <th scope="col">{texts.hour}</th>
                    {totals.map(({ label }) => (
                      <th scope="col" class="number">
                        {label}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {hours.map(({ hour, loggedIn, cancelled, failed }) => (
                    <tr>
                      <th scope="row">{hour}</th>
                      <td class="number">{loggedIn}</td>
                      <td class="number">{cancelled}</td>
                      <td class="number">{failed}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </details>
        </>
      )}
      {reasons.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">{texts.reason}</th>
              <th scope="col" class="number">
                {texts.count}
              </th>
            </tr>
          </thead>
          <tbody>
            {reasons.map(({ title, count }) => (
              <tr>
                <td>{title}</td>
                <td class="number">{count}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p class="days">
        <a href={previousHref}>← {texts.previousDay}</a>
        {nextHref !== undefined && <a href={nextHref}>{texts.nextDay} →</a>}
      </p>
    </section>
  );
}

/** A picture of the table below it; sizes are attributes, because the page's CSP allows no inline styles. */
function Columns({ hours, label }: { readonly hours: readonly ShownHour[]; readonly label: string }) {
  const most = Math.max(...hours.map(({ loggedIn, cancelled, failed }) => loggedIn + cancelled + failed));
  const high = (count: number): number => (count / most) * HEIGHT;
  return (
    <svg class="chart" viewBox={`0 0 ${hours.length * COLUMN} ${HEIGHT + 20}`} role="img" aria-label={label}>
      {hours.map(({ hour, loggedIn, cancelled, failed }, index) => {
        const x = index * COLUMN;
        const [first, second, third] = [high(loggedIn), high(cancelled), high(failed)];
        const bar = (kind: string, height: number, below: number) =>
          height > 0 && (
            <rect class={kind} x={x + 4} y={HEIGHT - below - height} width={COLUMN - 8} height={height} />
          );
        return (
          <g>
            {bar("in", first, 0)}
            {bar("stop", second, first)}
            {bar("out", third, first + second)}
            {index % LABEL_EVERY === 0 && (
              <text x={x + COLUMN / 2} y={HEIGHT + 15}>
                {hour}
              </text>
            )}
          </g>
        );
      })}
      <line x1="0" y1={HEIGHT} x2={hours.length * COLUMN} y2={HEIGHT} />
    </svg>
  );
}
