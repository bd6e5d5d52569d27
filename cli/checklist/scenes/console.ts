import type { Console } from "../seen.ts";
import { logIn, loginAddress, PATIENCE, type Stage } from "./stage.ts";

/** A customer's login fails; staff find it by the reference that the customer reads out. */
export async function findAsStaff(stage: Stage): Promise<Console> {
  const customer = await stage.browsers.open("phone");
  await customer.goto(loginAddress(stage, stage.buttonPath), { timeout: PATIENCE });
  await stage.person.cancel(customer);
  await customer.waitForLoadState("domcontentloaded");
  const heading = (await customer.locator("h1").first().innerText()).trim();
  const reference = (await customer.locator(".reference code").first().innerText()).trim();
  const refused = await customer.goto(`${stage.site}${stage.authPath}/support`, { timeout: PATIENCE });
  const customerStatus = refused?.status() ?? 0;
  await customer.context().close();

  const pictures = [];
  let foundByReference = false;
  for (const device of ["desktop", "phone"] as const) {
    const staff = await stage.browsers.open(device);
    await logIn(stage, staff, "Kari Nordmann", `${stage.authPath}/support`);
    const finder = staff.getByRole("searchbox");
    await finder.waitFor({ timeout: PATIENCE });
    pictures.push(await stage.browsers.picture(staff, "console", `The console, ${device}`));
    await finder.fill(reference);
    await finder.press("Enter");
    const told = staff.getByText(heading);
    await told
      .first()
      .waitFor({ timeout: PATIENCE })
      .catch(() => undefined);
    foundByReference = (await told.count()) > 0;
    const caption = `What staff see under the reference of a failed login, ${device}`;
    pictures.push(await stage.browsers.picture(staff, "console-reference", caption));
    await staff.context().close();
  }
  return { foundByReference, customerStatus, pictures };
}
